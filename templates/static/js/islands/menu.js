// <ff-menu>: a button and the popover that it opens beside itself; arrow keys walk through the entries of a menu.
import { place } from "../place.js";

class Menu extends HTMLElement {
  get button() { return this.querySelector("button"); }
  get box() { return this.querySelector("[popover]"); }

  connectedCallback() {
    if (this.dataset.ready) return;
    this.addEventListener("pointerdown", () => this.#join());
    this.addEventListener("keydown", (event) => this.#key(event));
    this.addEventListener("toggle", (event) => this.#toggled(event), true);
    this.addEventListener("click", (event) => this.#chosen(event));
    this.#join();
    this.dataset.ready = "";
  }

  #join() {
    if (this.button && this.box) this.button.popoverTargetElement = this.box;
  }

  #toggled(event) {
    if (event.target !== this.box) return;
    const open = event.newState === "open";
    this.button.setAttribute("aria-expanded", open);
    if (!open) return;
    place(this.box, this.button);
    this.#entries()[0]?.focus();
  }

  #entries() { return this.box.matches(".menu") ? [...this.box.querySelectorAll("[role=menuitem]")] : []; }

  #chosen(event) {
    if (event.target.closest("[role=menuitem]")) this.box.hidePopover();
  }

  #key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const entries = this.#entries();
    if (!step || !entries.length) return;
    event.preventDefault();
    if (!this.box.matches(":popover-open")) return this.box.showPopover();
    const at = entries.indexOf(document.activeElement);
    entries[(at + step + entries.length) % entries.length].focus();
  }
}

customElements.define("ff-menu", Menu);
