// <ff-toast data-text>: says once what the page before did.
import { toast } from "../app.js";

customElements.define("ff-toast", class extends HTMLElement {
  connectedCallback() {
    toast({ text: this.dataset.text });
    this.remove();
  }
});
