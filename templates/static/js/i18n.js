// The messages of the islands in the page's language; the page carries them as a block of JSON.
const messages = JSON.parse(document.getElementById("messages")?.textContent || "{}");

export const _ = (text, values = {}) =>
  (messages[text] ?? text).replace(/%\((\w+)\)s/g, (mark, name) => values[name] ?? mark);
