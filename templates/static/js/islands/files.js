// <ff-files>: shows what will be sent, takes files by drop, and lets a stored file be taken away.
class Files extends HTMLElement {
  connectedCallback() {
    if (this.dataset.ready) return;
    this.addEventListener("change", () => this.#show());
    this.addEventListener("click", (event) => event.target.closest(".file button")?.closest(".file").remove());
    for (const kind of ["dragover", "dragleave", "drop"]) this.addEventListener(kind, (event) => this.#drag(event));
    this.dataset.ready = "";
  }

  get #input() { return this.querySelector("input[type=file]"); }

  #drag(event) {
    event.preventDefault();
    this.querySelector(".drop-zone").toggleAttribute("data-over", event.type === "dragover");
    if (event.type !== "drop") return;
    this.#input.files = event.dataTransfer.files;
    this.#show();
  }

  #show() {
    const names = [...this.#input.files].map((file) => file.name).join(", ");
    if (names) this.querySelector(".drop-zone span").textContent = names;
  }
}

customElements.define("ff-files", Files);
