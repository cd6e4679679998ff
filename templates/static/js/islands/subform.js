// <ff-subform>: rows that are added, removed, moved and pasted from a spreadsheet. The server wrote one empty row.
let count = 0;

class Subform extends HTMLElement {
  #sortable;

  get #body() { return this.querySelector("tbody"); }

  connectedCallback() {
    if (this.dataset.ready) return;
    this.addEventListener("click", (event) => {
      if (event.target.closest(".add-row")) this.#focus(this.add());
      const remove = event.target.closest("[data-delete-row]");
      if (remove) this.#delete(remove.closest("tr"));
    });
    this.addEventListener("keydown", (event) => this.#key(event));
    this.addEventListener("paste", (event) => this.#paste(event));
    this.addEventListener("pointerover", () => this.#draggable(), { once: true });
    this.dataset.ready = "";
  }

  disconnectedCallback() {
    this.#sortable?.destroy();
    this.#sortable = null;
  }

  add() {
    const token = `new${Date.now().toString(36)}${count++}`;
    const markup = this.querySelector(":scope > template").innerHTML.replaceAll("__row__", token);
    this.#body.insertAdjacentHTML("beforeend", markup);
    this.#told();
    return this.#body.lastElementChild;
  }

  #delete(row) {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    this.#told();
    this.#focus(next) || this.querySelector(".add-row").focus();
  }

  #focus(row) {
    const first = row?.querySelector("td[data-field] :is(input:not([type=hidden]), select, textarea)");
    first?.focus();
    return first;
  }

  #told() { this.dispatchEvent(new CustomEvent("ff:rows", { bubbles: true })); }

  #key(event) {
    if (event.key !== "Enter" || !event.target.matches("td[data-field] input")) return;
    event.preventDefault();
    const row = event.target.closest("tr");
    this.#focus(row.nextElementSibling ?? this.add());
  }

  #paste(event) {
    const text = event.clipboardData.getData("text/plain").replace(/\r?\n$/, "");
    if (!/[\t\n]/.test(text) || !event.target.matches("td[data-field] :is(input, select)")) return;
    event.preventDefault();
    let row = event.target.closest("tr");
    const from = [...row.cells].indexOf(event.target.closest("td"));
    for (const line of text.split(/\r?\n/)) {
      row ??= this.add();
      line.split("\t").forEach((value, at) => fill(row.cells[from + at], value.trim()));
      row = row.nextElementSibling;
    }
    this.#told();
  }

  async #draggable() {
    if (!this.querySelector(".grip")) return;
    const { Sortable } = await import("../../vendor/sortable.js");
    if (!this.isConnected) return;
    this.#sortable = Sortable.create(this.#body, {
      handle: ".grip", animation: 120, ghostClass: "ghost", onEnd: () => this.#told(),
    });
  }
}

function fill(cell, value) {
  const control = cell?.querySelector(":is(input:not([type=hidden], [readonly]), select, textarea)");
  if (!control) return;
  if (control instanceof HTMLSelectElement) {
    const option = [...control.options].find((one) => one.value === value || one.text.trim() === value);
    if (option) control.value = option.value;
  } else if (control.type !== "checkbox") {
    control.value = control.inputMode === "decimal" ? value.replace(/[,，¥￥$\s]/g, "") : value;
  }
  control.dispatchEvent(new Event("change", { bubbles: true }));
}

customElements.define("ff-subform", Subform);
