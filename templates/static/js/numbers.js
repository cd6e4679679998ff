// Exact decimals as text: shifting the point, rounding half away from zero, grouping. Never a float.

export function shift(text, places) {
  const negative = text.startsWith("-");
  const [whole = "", fraction = ""] = text.replace(/^[-+]/, "").split(".");
  let digits = whole + fraction;
  let point = whole.length + places;
  if (point < 0) [digits, point] = ["0".repeat(-point) + digits, 0];
  if (point > digits.length) digits = digits.padEnd(point, "0");
  const left = digits.slice(0, point).replace(/^0+(?=\d)/, "") || "0";
  const right = digits.slice(point).replace(/0+$/, "");
  return (negative ? "-" : "") + left + (right ? `.${right}` : "");
}

export function round(text, decimals) {
  const moved = shift(text, decimals);
  const [whole, fraction = ""] = moved.replace("-", "").split(".");
  const up = fraction[0] >= "5" ? 1n : 0n;
  const digits = String(BigInt(whole) + up).padStart(decimals + 1, "0");
  const at = digits.length - decimals;
  const sign = moved.startsWith("-") && /[1-9]/.test(digits) ? "-" : "";
  return sign + digits.slice(0, at) + (decimals ? `.${digits.slice(at)}` : "");
}

// As the server shows numbers (runtime/web/rendering.py): grouped by thousands, with the field's marks.
// A plain number loses its closing zeros; money keeps them.
export function formatNumber(text, { decimals = 2, percent = false, fixed = false, prefix = "", suffix = "" }) {
  const exact = percent ? round(shift(text, 2), Math.max(0, decimals - 2)) : round(text, decimals);
  const [whole, fraction = ""] = (fixed || !exact.includes(".") ? exact : exact.replace(/\.?0+$/, "")).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return `${prefix}${grouped}${fraction ? `.${fraction}` : ""}${suffix}`;
}
