// <ff-todo>: J and K walk through the to-dos, A and R press the button that says so; nothing happens while one types.
class Todo extends HTMLElement {
  #listen = (event) => this.#key(event);

  connectedCallback() {
    document.addEventListener("keydown", this.#listen);
    this.dataset.ready = "";
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.#listen);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isBusy(event.target)) return;
    const key = event.key.toLowerCase();
    if (key === "j" || key === "k") this.#walk(key === "j" ? 1 : -1);
    else this.querySelector(`button[data-key="${CSS.escape(key)}"]`)?.click();
  }

  #walk(step) {
    const lines = [...this.querySelectorAll(".todo-lines a")];
    const at = lines.findIndex((line) => line.ariaCurrent === "true");
    lines[at + step]?.click();
  }
}

const isBusy = (target) =>
  target.closest?.("input, textarea, select, [role=combobox], [role=menu]") || document.querySelector("dialog[open]");

customElements.define("ff-todo", Todo);
