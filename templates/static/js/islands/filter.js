// <ff-filter>: the rows of the filter builder; taking one away asks again. Adding and changing rows is the server's.
class Filter extends HTMLElement {
  connectedCallback() {
    if (this.dataset.ready) return;
    this.addEventListener("click", (event) => {
      const row = event.target.closest("[data-remove-row]")?.closest(".filter-row");
      if (!row) return;
      const form = row.closest("form");
      row.remove();
      form.requestSubmit();
    });
    this.dataset.ready = "";
  }
}

customElements.define("ff-filter", Filter);
