"""The API of tasks and instances: a whole approval over HTTP, and clear answers to everything else."""

import pytest

from runtime import organisation


@pytest.fixture
def at(client, sign_in, department):
    """Sit down at the client as somebody: at("dan").get(...)."""

    def sit_down(name):
        sign_in(name)
        return client

    return sit_down


def start(client, record, flow="contract", **more):
    return client.post(f"/api/v1/apps/deals/flows/{flow}/instances", json={"record": str(record)}, **more)


def decide(client, operation="approve", **body):
    (task,) = client.get("/api/v1/tasks").json()["items"]
    return client.post(f"/api/v1/tasks/{task['id']}/{operation}", json={"version": task["version"], **body})


def test_a_contract_is_approved_over_http(at, department):
    record = department.contract(80_000, margin=7)
    answer = start(at("sam"), record)
    assert answer.status_code == 201, answer.text
    assert answer.json()["waiting"][0]["person"]["name"] == "dan"
    place = answer.headers["location"]

    assert decide(at("dan"), comment="good").json()["instance_state"] == "running"

    lea = at("lea")
    (line,) = lea.get("/api/v1/tasks").json()["items"]
    found = lea.get(f"/api/v1/tasks/{line['id']}")
    task = found.json()
    assert task["label"] == "one"
    assert task["record"]["values"]["amount"] == 80_000
    assert "margin" not in found.text
    assert task["modes"]["verdict"] == "required"
    assert [each["id"] for each in task["targets"]] == ["initiator", "n_director"]
    answer = lea.post(
        f"/api/v1/tasks/{line['id']}/approve",
        json={"values": {"verdict": "ok"}, "record_version": task["record"]["version"]},
        headers={"If-Match": found.headers["etag"]},
    )
    assert answer.status_code == 200, answer.text

    assert decide(at("gus")).json()["instance_state"] == "approved"
    seen = at("sam").get(place).json()
    assert seen["state"] == "approved"
    assert [each["outcome"] for each in seen["decisions"]] == ["submit", "approve", "approve", "approve"]
    assert [box["state"] for box in seen["tree"]] == ["done"] * 4
    (listed,) = at("sam").get(f"/api/v1/apps/deals/flows/contract/instances?record={record}").json()["items"]
    assert listed["id"] == seen["id"]


def test_a_decision_sent_twice_with_one_key_happens_once(at, department):
    department.submit(department.contract(10))
    dan = at("dan")
    (task,) = dan.get("/api/v1/tasks").json()["items"]
    send = lambda: dan.post(  # noqa: E731
        f"/api/v1/tasks/{task['id']}/approve", json={"version": 1}, headers={"Idempotency-Key": "once"}
    )

    first, second = send(), send()

    assert first.status_code == second.status_code == 200
    assert second.headers["idempotency-replayed"] == "true"
    assert first.json() == second.json()
    again = dan.post(f"/api/v1/tasks/{task['id']}/approve", json={"version": 1})
    assert again.status_code == 409
    assert again.json()["code"] == "already_decided"
    assert again.json()["by"]["name"] == "dan"


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("{task}/approve", {}, 428, "version_required"),
        ("{task}/approve", {"version": 9}, 412, "version_conflict"),
        ("{task}/approve", {"version": "1"}, 422, "wrong_type"),
        ("{task}/approve", {"version": 1, "nonsense": 1}, 422, "unknown_key"),
        ("{task}/approve", {"version": 1, "values": []}, 422, "object_expected"),
        ("{task}/approve", {"version": 1, "comment": "x" * 5000}, 422, "too_long"),
        ("{task}/approve", {"version": 1, "comment": {"a": 1}}, 422, "wrong_type"),
        ("{task}/return", {"version": 1, "target": "n_chief"}, 422, "no_way_back"),
        ("{task}/read", {"version": 1}, 422, "wrong_operation"),
        ("{task}/comment", {"comment": "  "}, 422, "required"),
        ("{task}/destroy", {"version": 1}, 404, "unknown_operation"),
        ("12345/approve", {"version": 1}, 404, "not_found"),
        ("x/approve", {"version": 1}, 404, "not_found"),
        ("99999999999999999999999/approve", {"version": 1}, 404, "not_found"),
    ],
)
def test_bad_decisions_get_clear_answers_and_decide_nothing(at, department, path, body, status, code):
    department.submit(department.contract(10))
    dan = at("dan")
    (task,) = dan.get("/api/v1/tasks").json()["items"]

    answer = dan.post("/api/v1/tasks/" + path.format(task=task["id"]), json=body)

    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert department.task("dan").version == 1


@pytest.mark.parametrize(
    ("flow", "body", "status"),
    [
        ("contract", {}, 422),
        ("contract", {"record": 5}, 422),
        ("contract", {"record": "5"}, 404),
        ("contract", {"record": "-"}, 404),
        ("nowhere", {"record": "5"}, 404),
        ("contract", {"record": "5", "more": 1}, 422),
    ],
)
def test_bad_starts_get_clear_answers(at, flow, body, status):
    answer = at("sam").post(f"/api/v1/apps/deals/flows/{flow}/instances", json=body)

    assert answer.status_code == status, answer.text
    assert answer.json()["code"]


def test_what_is_not_mine_does_not_exist(at, department):
    id = department.submit(department.contract(10))
    task = department.task("dan").id
    eve = at("eve")

    for path in (f"/api/v1/tasks/{task}", f"/api/v1/apps/deals/flows/contract/instances/{id}"):
        assert eve.get(path).status_code == 404
    assert eve.get("/api/v1/apps/deals/flows/contract/instances").json()["items"] == []
    assert eve.post(f"/api/v1/apps/deals/flows/contract/instances/{id}/withdraw", json={}).status_code == 404
    assert (
        eve.post(f"/api/v1/apps/deals/flows/contract/instances/{id}/comments", json={"comment": "x"}).status_code == 404
    )


def test_a_locked_record_answers_423_with_who_has_it(at, department):
    record = department.contract(10)
    department.submit(record)

    answer = at("sam").patch(
        f"/api/v1/apps/deals/forms/contract/records/{record}", json={"values": {"amount": 1}, "version": 1}
    )

    assert answer.status_code in (412, 423), answer.text
    version = at("sam").get(f"/api/v1/apps/deals/forms/contract/records/{record}").json()["version"]
    answer = at("sam").patch(
        f"/api/v1/apps/deals/forms/contract/records/{record}", json={"values": {"amount": 1}, "version": version}
    )
    assert answer.status_code == 423, answer.text
    assert answer.json()["waits_for"] == ["dan"]
    assert answer.json()["errors"][0]["path"] == "/values/amount"


def test_incidents_are_for_those_who_keep_the_platform_running(at, department):
    department.run(
        "system", lambda tx, app: organisation.withdraw_role(tx, "deals", "r_director", department.people["dan"])
    )
    department.submit(department.contract())
    assert at("dan").get("/api/v1/apps/deals/incidents").status_code == 403

    department.run("system", lambda tx, app: organisation.change_member(tx, department.people["eve"], rights=["ops"]))
    department.run(
        "system", lambda tx, app: organisation.grant_role(tx, "deals", "r_director", department.people["dan"])
    )
    eve = at("eve")
    (stuck,) = eve.get("/api/v1/apps/deals/incidents").json()["items"]
    assert stuck["incidents"][0]["reason"]
    answer = eve.post(f"/api/v1/apps/deals/flows/contract/instances/{stuck['id']}/retry", json={})

    assert answer.json()["state"] == "running"
    assert department.nodes("dan") == ["director"]


def test_a_stuck_flow_stands_on_the_page_of_what_needs_attention_and_goes_on_from_there(at, department):
    director = ("deals", "r_director", department.people["dan"])
    department.run("system", lambda tx, app: organisation.withdraw_role(tx, *director))
    department.submit(department.contract())
    department.run("system", lambda tx, app: organisation.grant_role(tx, *director))
    department.run("system", lambda tx, app: organisation.change_member(tx, department.people["eve"], rights=["ops"]))
    eve = at("eve")

    page = eve.get("/attention").text
    address = page.split('action="/attention/flows/')[1].split('"')[0]
    csrf = page.split('name="csrf" value="')[1].split('"')[0]
    answer = eve.post(f"/attention/flows/{address}", data={"csrf": csrf}, follow_redirects=False)

    assert "Stuck flows" in page and "Nobody was found" in page and "Failed jobs" not in page
    assert answer.status_code == 303
    assert department.nodes("dan") == ["director"]
    assert "Nothing needs attention" in eve.get("/attention").text


def test_everything_is_said_in_chinese_too(at, department):
    department.run("system", lambda tx, app: organisation.change_member(tx, department.people["dan"], language="zh"))
    department.submit(department.contract(10))
    dan = at("dan")
    (task,) = dan.get("/api/v1/tasks").json()["items"]

    answer = dan.post(f"/api/v1/tasks/{task['id']}/approve", json={})

    assert any("一" <= letter <= "鿿" for letter in answer.json()["detail"])
