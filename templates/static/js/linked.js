// What links lead to: the values that a form's expressions read there, asked for once when a record is chosen.
// The server answers by "form/id": values, or null for what this person does not see, which stays unknown; "hidden" are fields kept from him.
import { Missing } from "./formula.js";

export class Linked {
  #known = new Map();
  #asked = new Set();
  #waiting = new Set();
  #names = new Map();

  constructor(arrived) { this.arrived = arrived; }

  take(found) {
    for (const [key, values] of Object.entries(found ?? {})) {
      if (values) this.#known.set(key, this.#guarded(values));
      this.#asked.add(key);
      for (const [field, name] of Object.entries(values?.labels ?? {})) this.#names.set(values[field], name);
    }
  }

  // How a linked record is called, where an expression hands it on.
  name(id) { return this.#names.get(id); }

  // The values behind a link; undefined while they are not at hand: then they are asked for.
  follow(type, form, id) {
    const key = `${form ?? type}/${id}`;
    if (!this.#asked.has(key)) this.#ask(key);
    return this.#known.get(key);
  }

  #guarded({ hidden = [], ...values }) {
    for (const field of hidden) {
      Object.defineProperty(values, field, { get() { throw new Missing("this field is hidden"); } });
    }
    return values;
  }

  #ask(key) {
    this.#asked.add(key);
    if (!this.#waiting.size) queueMicrotask(() => this.#fetch());
    this.#waiting.add(key);
  }

  async #fetch() {
    const keys = [...this.#waiting];
    this.#waiting.clear();
    if (!this.address) return;
    const query = keys.map((key) => `of=${encodeURIComponent(key)}`).join("&");
    const answer = await fetch(`${this.address}?${query}`).catch(() => null);
    if (!answer?.ok) return keys.forEach((key) => this.#asked.delete(key));
    this.take(await answer.json());
    this.arrived();
  }
}
