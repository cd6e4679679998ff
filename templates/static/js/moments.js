// Moments: a local time as people type it ("2026-11-20 09:30", on their own clock) and the UTC text that expressions read.

function parts(instant, zone) {
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone, hourCycle: "h23",
    year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
  });
  return Object.fromEntries(format.formatToParts(instant).map(({ type, value }) => [type, value]));
}

export function localMinute(written, zone) {
  const { year, month, day, hour, minute } = parts(new Date(written), zone);
  return `${year}-${month}-${day} ${hour}:${minute}`;
}

// The zone's offset is looked up at the moment itself; a second look settles the hours around a change of clocks.
export function instantOf(typed, zone) {
  const wanted = Date.parse(`${typed.replace(" ", "T")}:00Z`);
  if (Number.isNaN(wanted)) return null;
  let instant = wanted;
  for (let look = 0; look < 2; look += 1) {
    instant += wanted - Date.parse(`${localMinute(instant, zone).replace(" ", "T")}:00Z`);
  }
  return `${new Date(instant).toISOString().slice(0, 19)}Z`;
}
