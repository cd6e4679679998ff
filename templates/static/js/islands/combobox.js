// <ff-combobox>: a text box that searches on the server and posts ids. The server writes the options as HTML.
//   data-url      where to search (?q=); absent: free text only
//   data-many     several values as tokens, each with its hidden input (data-name)
//   data-free     the text itself may become a value
import { place } from "../place.js";
import { _ } from "../i18n.js";

const WAIT = 160;

class Combobox extends HTMLElement {
  #timer;
  #asked = 0;
  #waits = false;
  #eager = false;

  get #many() { return "many" in this.dataset; }
  get #input() { return this.querySelector("[role=combobox]"); }
  get #list() { return this.querySelector("[role=listbox]"); }
  get #options() { return [...this.#list.querySelectorAll("[role=option]:not(.none)")]; }
  get #active() { return this.#list.querySelector('[aria-selected="true"]'); }

  connectedCallback() {
    if (this.dataset.ready) return;
    this.addEventListener("input", (event) => event.target === this.#input && this.#later());
    this.addEventListener("focusin", (event) => event.target === this.#input && this.#focused());
    this.addEventListener("focusout", (event) => event.target === this.#input && this.#left());
    this.addEventListener("keydown", (event) => event.target === this.#input && this.#key(event));
    this.addEventListener("pointerdown", (event) => event.target.closest("[role=listbox]") && event.preventDefault());
    this.addEventListener("click", (event) => this.#clicked(event));
    this.dataset.ready = "";
  }

  disconnectedCallback() { clearTimeout(this.#timer); }

  #focused() {
    this.before = this.#input.value;
    if (!this.#many) this.#input.select();
  }

  // What is listed belongs to an older text: nothing of it is marked, and Enter waits for the answer.
  #later() {
    clearTimeout(this.#timer);
    this.#asked++;
    this.#active?.setAttribute("aria-selected", "false");
    this.#waits = Boolean(this.dataset.url);
    this.#timer = setTimeout(() => this.#search(), WAIT);
  }

  async #search() {
    if (!this.dataset.url) return;
    const asked = ++this.#asked;
    const url = new URL(this.dataset.url, location.href);
    const text = this.#input.value.trim();
    url.searchParams.set("q", text === this.#chosenLabel() ? "" : text);
    const answer = await fetch(url, { headers: { "HX-Request": "true" } }).catch(() => null);
    const found = answer?.ok ? await answer.text() : "";
    if (asked !== this.#asked || !this.isConnected) return;
    this.#list.innerHTML = found;
    if (!this.#options.length) this.#list.innerHTML = '<div class="none" role="option" aria-disabled="true"></div>';
    const none = this.#list.querySelector(".none");
    if (none) none.textContent = answer?.ok ? _("Nothing found") : _("The search failed");
    this.#open();
    this.#mark(this.#options[0]);
    const eager = this.#eager;
    this.#waits = this.#eager = false;
    if (eager && this.#active) this.#choose(this.#active.dataset.value, this.#active.dataset.label);
    if (document.activeElement !== this.#input) this.#left();
  }

  #chosenLabel() { return this.#many ? "" : this.before; }

  #open() {
    if (!this.#list.matches(":popover-open")) this.#list.showPopover();
    place(this.#list, this, { wide: true });
    this.#input.setAttribute("aria-expanded", "true");
  }

  #close() {
    this.#asked++;
    this.#waits = this.#eager = false;
    if (this.#list.matches(":popover-open")) this.#list.hidePopover();
    this.#input.setAttribute("aria-expanded", "false");
    this.#input.removeAttribute("aria-activedescendant");
  }

  #mark(option) {
    for (const other of this.#options) other.setAttribute("aria-selected", other === option);
    if (!option) return void this.#input.removeAttribute("aria-activedescendant");
    option.id ||= `${this.#list.id}-${this.#options.indexOf(option)}`;
    this.#input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  #key(event) {
    const open = this.#list.matches(":popover-open");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      if (!open) return void this.#search();
      const at = this.#options.indexOf(this.#active) + step;
      return this.#mark(this.#options[(at + this.#options.length) % this.#options.length]);
    }
    if (event.key === "Enter" && this.#waits && !("free" in this.dataset)) {
      event.preventDefault();
      event.stopPropagation();
      this.#eager = true;
      return;
    }
    if (event.key === "Enter" && open && this.#active) {
      event.preventDefault();
      event.stopPropagation();
      return this.#choose(this.#active.dataset.value, this.#active.dataset.label);
    }
    if ((event.key === "Enter" || event.key === ",") && "free" in this.dataset && this.#input.value.trim()) {
      event.preventDefault();
      return this.#choose(this.#input.value.trim(), this.#input.value.trim());
    }
    if (event.key === "Escape" && open) {
      event.stopPropagation();
      this.#input.value = this.#many ? "" : this.before;
      this.#close();
    }
    if (event.key === "Backspace" && this.#many && !this.#input.value) this.#drop(this.querySelector(".token:last-of-type"));
  }

  #clicked(event) {
    const option = event.target.closest("[role=option]:not(.none)");
    if (option) return this.#choose(option.dataset.value, option.dataset.label);
    const remove = event.target.closest(".token button");
    if (remove) return this.#drop(remove.closest(".token"));
    if (this.dataset.url && !this.#list.matches(":popover-open")) this.#search();
    this.#input.focus();
  }

  #choose(value, label) {
    if (this.#many) {
      this.#input.value = "";
      this.#add(value, label);
    } else {
      this.#input.value = this.before = label;
      this.#set(value);
    }
    this.#close();
  }

  #set(value) {
    this.querySelector(":scope > .avatar")?.remove();
    const hidden = this.querySelector("input[type=hidden]");
    hidden.value = value;
    this.#tell(hidden);
  }

  #tell(at) {
    at.dispatchEvent(new Event("input", { bubbles: true }));
    at.dispatchEvent(new Event("change", { bubbles: true }));
  }

  #add(value, label) {
    const there = [...this.querySelectorAll(".token input")].some((input) => input.value === value);
    if (there) return;
    const token = this.querySelector("template").content.firstElementChild.cloneNode(true);
    token.querySelector("input").value = value;
    token.querySelector("span").textContent = label;
    token.querySelector("button").setAttribute("aria-label", `${_("Remove")} ${label}`);
    this.#input.before(token);
    this.#tell(token.querySelector("input"));
  }

  #drop(token) {
    if (!token) return;
    token.remove();
    this.#tell(this);
    this.#input.focus();
  }

  // Whoever pressed Enter and went on gets what he asked for as soon as the answer is there.
  #left() {
    if (this.#eager) return;
    clearTimeout(this.#timer);
    const text = this.#input.value.trim();
    if (this.#many) {
      if ("free" in this.dataset && text) this.#add(text, text);
      this.#input.value = "";
    } else if (!text && this.querySelector("input[type=hidden]").value) {
      this.before = "";
      this.#set("");
    } else if (text !== this.before) {
      this.#input.value = this.before;
    }
    this.#close();
  }
}

customElements.define("ff-combobox", Combobox);
