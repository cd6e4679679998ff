// The glue of every page: islands are loaded when they appear, dialogs open when they are filled, toasts are said.
import { _ } from "./i18n.js";

const loaded = new Set();
const CONTROLS = ":is(input:not([type=hidden]), select, textarea, button):not([disabled])";

function loadIslands() {
  for (const island of document.querySelectorAll(":not(:defined)")) {
    const name = island.localName;
    if (!name.startsWith("ff-") || loaded.has(name)) continue;
    loaded.add(name);
    import(`./islands/${name.slice(3)}.js`);
  }
}

export function toast({ text, href, action, kind }) {
  const box = Object.assign(document.createElement("div"), { className: "toast" });
  box.append(text);
  if (kind) box.dataset.kind = kind;
  if (href) box.append(Object.assign(document.createElement("a"), { href, textContent: action }));
  document.getElementById("toasts").append(box);
  setTimeout(() => box.remove(), href ? 8000 : 4500);
}

function opened(target) {
  if (target.id === "form-body") document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
  if (target.matches("dialog") && target.children.length && !target.open) target.showModal();
  if (target.matches("dialog") && !target.children.length && target.open) target.close();
  target.querySelector(".error-summary")?.focus();
}

function closeDialog(button) {
  const dialog = button.closest("dialog");
  dialog.close();
  dialog.replaceChildren();
}

addEventListener("ff:toast", (event) => toast(typeof event.detail === "string" ? { text: event.detail } : event.detail));

// htmx 4 fires after:settle on the element that was swapped, wherever the answer was aimed at.
document.addEventListener("htmx:after:settle", (event) => {
  loadIslands();
  if (event.target instanceof Element) opened(event.target);
});

document.addEventListener("htmx:response:error", (event) => {
  const answer = event.detail.ctx?.response;
  if (answer?.status >= 500) {
    const reference = answer.headers?.get?.("X-Request-Id") ?? "";
    toast({ text: _("Something went wrong on the server. Reference: %(reference)s", { reference }), kind: "error" });
  }
});

document.addEventListener("htmx:error", (event) => {
  if (!event.detail.ctx?.response) toast({ text: _("The server cannot be reached"), kind: "error" });
});

// A line of the error summary leads into the control, also where that is a group or a grid.
function lead(event, link) {
  const target = document.getElementById(decodeURIComponent(link.hash.slice(1)));
  const control = target?.matches(CONTROLS) ? target : target?.querySelector(CONTROLS);
  if (!control) return;
  event.preventDefault();
  control.focus();
  control.scrollIntoView({ block: "center" });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.(".error-summary a[href^='#']");
  if (link) return lead(event, link);
  const closer = event.target.closest?.("[data-close]");
  if (closer) closeDialog(closer);
});

// A plain form is sent once, however often its button is pressed; who comes back by the history may send it again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.getAttribute("method") !== "post") return;
  if ("sent" in form.dataset) event.preventDefault();
  form.dataset.sent = "";
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

loadIslands();
