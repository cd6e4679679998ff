// <ff-form>: what the server will decide on saving, shown while typing: formulas, visibility, requirement.
// The server ships the checked trees in the data block of #form-body; formula.js walks them; the server recomputes on save.
import { compile } from "../formula.js";
import { _ } from "../i18n.js";
import { Linked } from "../linked.js";
import { instantOf, localMinute } from "../moments.js";
import { formatNumber, shift } from "../numbers.js";
import { normalDate } from "./date-box.js";

class Form extends HTMLElement {
  #state;
  #source;
  #linked = new Linked(() => this.recalculate());
  #filled = new WeakMap(); // what a default wrote into a box: it follows its sources until somebody types over it
  #held = new WeakSet(); // boxes in which something stood

  connectedCallback() {
    if (this.dataset.ready) return;
    for (const kind of ["input", "change"]) this.addEventListener(kind, (event) => this.#touched(event.target));
    this.addEventListener("ff:rows", () => this.#changed());
    this.settled = () => this.recalculate();
    document.addEventListener("htmx:after:settle", this.settled);
    this.leaving = (event) => this.dirty && !this.submitting && event.preventDefault();
    addEventListener("beforeunload", this.leaving);
    const form = this.closest("form");
    form.addEventListener("htmx:before:request", (event) => this.#sending(event));
    form.addEventListener("htmx:error", () => (this.submitting = false));
    this.answered = (event) => (this.submitting = Boolean(event.detail.ctx?.response?.headers?.get("HX-Redirect")));
    document.addEventListener("htmx:after:request", this.answered); // also of the dialog that settles two saves
    form.addEventListener("keydown", (event) => isSaveKey(event) && this.#save(event, form));
    this.returned = (event) => event.persisted && (this.submitting = false);
    addEventListener("pageshow", this.returned);
    this.recalculate();
    this.dataset.ready = "";
  }

  disconnectedCallback() {
    document.removeEventListener("htmx:after:settle", this.settled);
    removeEventListener("beforeunload", this.leaving);
    removeEventListener("pageshow", this.returned);
    document.removeEventListener("htmx:after:request", this.answered);
  }

  // What is being saved, or was saved while the next page is on its way, is not saved again.
  #sending(event) {
    if (this.submitting) event.preventDefault();
    this.submitting = true;
  }

  #save(event, form) {
    const button = form.querySelector("button[type=submit].primary");
    if (!button || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    document.activeElement?.dispatchEvent(new Event("change", { bubbles: true }));
    button.click();
  }

  // What a person emptied stays empty: the server is told so, and no default fills it.
  #touched(target) {
    const control = target.closest("[data-field]")?.querySelector("[name]");
    if (control?.value.trim()) {
      this.#held.add(control);
      this.#emptied(control.name)?.remove();
    } else if (control && this.#held.has(control) && !this.#emptied(control.name)) {
      this.append(Object.assign(document.createElement("input"), { type: "hidden", name: "left-empty", value: control.name }));
    }
    this.#changed();
  }

  #emptied(name) { return [...this.querySelectorAll(":scope > [name=left-empty]")].find((one) => one.value === name); }

  #changed() {
    this.dirty = true;
    this.recalculate();
  }

  #read() {
    const source = this.querySelector("script[data-state]")?.textContent ?? '{"fields":{},"record":{}}';
    if (source !== this.#source) {
      this.#source = source;
      this.#state = JSON.parse(source);
      this.#linked.address = this.#state.more;
      this.#linked.take(this.#state.linked);
    }
    return this.#state;
  }

  recalculate() {
    const { fields, record: stored, today, zone, clock, user, new: isNew } = this.#read();
    const follow = (type, form, id) => this.#linked.follow(type, form, id);
    const roots = { today, zone, clock, user, now: new Date().toISOString(), follow };
    let record = this.#reader(fields, stored, (id) => this.#frame(id), roots, null);
    for (let round = 0; round < FOLLOWING && this.#fillDefaults(fields, record, roots, isNew); round += 1) {
      record = this.#reader(fields, stored, (id) => this.#frame(id), roots, null);
    }
    this.#show(fields, record, null, roots, (id) => this.#frame(id));
    for (const [id, field] of Object.entries(fields)) {
      if (!field.rows) continue;
      this.#rows(id).forEach((line, at) => this.#show(field.rows, record[id][at], record, roots, (cell) => cellOf(line, cell)));
      this.#sums(id, field, record[id]);
    }
  }

  // Defaults that look around are filled into new records and new rows; true when something changed.
  #fillDefaults(fields, record, roots, isNew) {
    let changed = isNew && this.#fill(fields, record, null, roots, (id) => this.#frame(id));
    for (const [id, field] of Object.entries(fields)) {
      if (!field.rows) continue;
      this.#rows(id).forEach((line, at) => {
        if (!isNewRow(line)) return;
        changed = this.#fill(field.rows, record[id][at], record, roots, (cell) => cellOf(line, cell)) || changed;
      });
    }
    return changed;
  }

  #fill(fields, record, parent, roots, find) {
    let changed = false;
    for (const [id, field] of Object.entries(fields)) {
      const control = field.default && find(id)?.querySelector("[name]");
      if (!control || !["text", "hidden", "select-one", "textarea", "tel", "email", "url"].includes(control.type)) continue;
      if (control.value) this.#held.add(control);
      if (control.value !== (this.#filled.get(control) ?? "") || this.#emptied(control.name)) continue;
      const value = run(field.default, record, parent, roots, undefined);
      if (value === undefined) continue;
      const box = control.type === "hidden" ? find(id).querySelector("[role=combobox]") : control;
      const text = this.#typed(field, value, roots.clock);
      if (control.type === "hidden" && value !== null && text === undefined) continue;
      const posted = control.type === "hidden" ? value ?? "" : text;
      if (control.value === posted) continue;
      if (box) box.value = text ?? "";
      control.value = posted;
      this.#filled.set(control, posted);
      if (posted) this.#held.add(control);
      changed = true;
    }
    return changed;
  }

  // A value as a box holds it; undefined for a record whose name is not known.
  #typed(field, value, clock) {
    if (value === null || value === undefined) return "";
    if (REFERENCES.includes(field.kind)) return this.#linked.name(value);
    if (field.kind === "number") return field.percent ? shift(String(value), 2) : String(value);
    return field.kind === "datetime" ? localMinute(value, clock) : String(value);
  }

  #frame(id) { return this.querySelector(`.field[data-field="${id}"]`); }
  #rows(id) { return [...(this.#frame(id)?.querySelectorAll("tbody tr[data-row]") ?? [])]; }

  // A record whose computed values are worked out when they are asked for, each once.
  #reader(fields, stored, find, roots, parent) {
    const record = { ...stored };
    for (const [id, field] of Object.entries(fields)) {
      let known;
      const get = () => (known ??= { value: this.#value(id, field, stored, find, roots, record, parent) }).value;
      Object.defineProperty(record, id, { get, enumerable: true, configurable: true });
    }
    return record;
  }

  #value(id, field, stored, find, roots, record, parent) {
    if (field.formula) return run(field.formula, record, parent, roots, stored?.[id] ?? null);
    if (field.rows) {
      return this.#rows(id).map((line, at) => {
        const before = stored?.[id]?.find((row) => row.id === idOf(line)) ?? (isNewRow(line) ? {} : stored?.[id]?.[at] ?? {});
        return this.#reader(field.rows, before, (cell) => cellOf(line, cell), roots, record);
      });
    }
    const frame = find(id);
    const controls = frame ? [...frame.querySelectorAll("[name]")] : [];
    return controls.length ? typed(field, controls, roots.clock) : stored?.[id] ?? null;
  }

  #show(fields, record, parent, roots, find) {
    for (const [id, field] of Object.entries(fields)) {
      const frame = find(id);
      if (!frame) continue;
      if (field.formula) tell(frame.querySelector("output"), this.#said(field, record[id], roots.clock));
      if (field.visible_if) hide(frame, !run(field.visible_if, record, parent, roots, true));
      if (field.required_if) require(frame, field.required || run(field.required_if, record, parent, roots, false));
    }
  }

  // A value as the page shows it.
  #said(field, value, clock) {
    if (value === null || value === undefined || value === "") return "";
    if (REFERENCES.includes(field.kind)) return this.#linked.name(value) ?? "";
    if (field.kind === "yes_no") return value ? _("Yes") : _("No");
    if (field.kind === "datetime") return localMinute(value, clock);
    return field.choices?.[value] ?? shown(field, value);
  }

  #sums(id, field, rows) {
    for (const output of this.#frame(id)?.querySelectorAll("output[data-sum]") ?? []) {
      const column = field.rows[output.dataset.sum];
      const total = rows.map((row) => row[output.dataset.sum]).filter((value) => value !== null && value !== "");
      tell(output, total.length ? shown(column, sum(total)) : "");
    }
  }
}

const isSaveKey = (event) => (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "s";
const cellOf = (line, id) => line.querySelector(`td[data-field="${id}"]`);

const idOf = (line) => line.querySelector('[name$=".id"]')?.value; // undefined where rows are only shown
const isNewRow = (line) => idOf(line) === "";
const REFERENCES = ["link", "member", "department"];
const FOLLOWING = 4; // how often a filled default may lead to the next one

const compiled = new WeakMap();

// A value that is not at hand (yet) leaves what the server last said.
function run(tree, record, parent, roots, otherwise) {
  if (!compiled.has(tree)) compiled.set(tree, compile(tree));
  const row = parent ? record : null;
  try {
    return compiled.get(tree)({ ...roots, record: parent ?? record, row });
  } catch {
    return otherwise;
  }
}

function typed(field, controls, clock) {
  const last = controls.at(-1);
  const text = (last.value ?? "").trim();
  if (field.kind === "list") return controls.filter((one) => one.type !== "checkbox" || one.checked).map((one) => one.value).filter(Boolean);
  if (field.kind === "yes_no") return last.checked ?? last.value === "true";
  if (last.type === "radio") return controls.find((one) => one.checked)?.value ?? null;
  if (!text) return null;
  if (field.kind === "number") return number(text, field);
  if (field.kind === "date") return normalDate(text);
  if (field.kind === "datetime") return instantOf(normalDate(text, true), clock);
  return controls[0].type === "hidden" ? controls[0].value || null : text;
}

function number(text, field) {
  const plain = text.replace(/[,，\s]/g, "").replace(/%$/, "");
  if (!/^[-+]?\d*\.?\d+$/.test(plain)) return null;
  return field.percent ? shift(plain, -2) : plain;
}

function shown(field, value) {
  if (value === null || value === undefined || value === "") return "";
  if (field.kind === "number") return formatNumber(String(value), field);
  return String(value);
}

function sum(values) {
  const scale = 10n;
  const total = values.reduce((sofar, value) => sofar + BigInt(shift(String(value), Number(scale)).split(".")[0]), 0n);
  return shift(String(total), -Number(scale));
}

function tell(output, text) {
  if (!output) return;
  const next = text || "—";
  if (output.textContent === next) return;
  const first = output.textContent === "—" || !output.textContent;
  output.textContent = next;
  output.removeAttribute("data-pending");
  if (first) return;
  output.removeAttribute("data-changed");
  requestAnimationFrame(() => output.setAttribute("data-changed", ""));
}

function hide(frame, hidden) {
  if (frame.matches("td")) frame.toggleAttribute("data-empty", hidden);
  else frame.hidden = hidden;
  for (const control of frame.querySelectorAll("input, select, textarea")) control.disabled = hidden;
}

function require(frame, needed) {
  const mark = frame.querySelector(".field-required");
  if (mark) mark.hidden = !needed;
  frame.querySelector("input:not([type=hidden]), select, textarea")?.toggleAttribute("required", needed);
}

customElements.define("ff-form", Form);
