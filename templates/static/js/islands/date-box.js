// <ff-date-box>: a date typed as YYYY-MM-DD whatever the browser's language; the native calendar is borrowed.
const DATE = /^(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?(?:[ T]+(\d{1,2})[:：](\d{2}))?$/;
const two = (text) => text.padStart(2, "0");

export function normalDate(text, withTime = false) {
  const found = DATE.exec(text.trim());
  if (!found) return text;
  const [, year, month, day, hour = "00", minute = "00"] = found;
  return `${year}-${two(month)}-${two(day)}${withTime ? ` ${two(hour)}:${minute}` : ""}`;
}

class DateBox extends HTMLElement {
  get #input() { return this.querySelector("input.input"); }
  get #timed() { return "time" in this.dataset; }

  connectedCallback() {
    if (this.dataset.ready) return;
    this.addEventListener("click", (event) => event.target.closest("button") && this.#pick());
    this.addEventListener("change", (event) => {
      if (event.target === this.#input) this.#input.value = normalDate(this.#input.value, this.#timed);
    });
    this.dataset.ready = "";
  }

  #pick() {
    const native = document.createElement("input");
    native.type = this.#timed ? "datetime-local" : "date";
    native.tabIndex = -1;
    native.setAttribute("aria-hidden", "true");
    native.value = normalDate(this.#input.value, this.#timed).replace(" ", "T");
    native.addEventListener("change", () => this.#take(native));
    native.addEventListener("blur", () => native.remove());
    this.append(native);
    native.showPicker();
  }

  #take(native) {
    this.#input.value = native.value.replace("T", " ");
    for (const kind of ["input", "change"]) this.#input.dispatchEvent(new Event(kind, { bubbles: true }));
    native.remove();
    this.#input.focus();
  }
}

customElements.define("ff-date-box", DateBox);
