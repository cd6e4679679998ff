// Puts a floating box beside its anchor and keeps it on the screen (CSS anchoring is newer than our oldest browser).
const GAP = 4;
const MARGIN = 8;

export function place(box, anchor, { wide = false } = {}) {
  const around = anchor.getBoundingClientRect();
  if (wide) box.style.minWidth = `${around.width}px`;
  const { width, height } = box.getBoundingClientRect();
  const below = around.bottom + GAP;
  const fits = below + height <= innerHeight - MARGIN || around.top < height + GAP;
  const left = around.left + width <= innerWidth - MARGIN ? around.left : around.right - width;
  box.style.top = `${fits ? below : around.top - GAP - height}px`;
  box.style.left = `${Math.max(MARGIN, Math.min(left, innerWidth - width - MARGIN))}px`;
}
