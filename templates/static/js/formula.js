// Works out the checked expressions of a form as people type. The server sends a tree (engines/expressions/to_browser.py);
// this file turns it into closures, without eval, so that a strict Content-Security-Policy holds.
//
// compile(tree)(environment) gives the value, as JSON: numbers as text ("12.50" without idle zeros), dates as
// "YYYY-MM-DD", texts, true/false, ids as text, null for blank. The environment holds
//   record, row, old, extras   values by field id, as the API writes them
//   user                       {id, name, email, department, departments, roles, manager}
//   today, now, zone           "2026-03-02", "2026-03-02T01:30:00Z", "Asia/Shanghai"
//   follow(type, form, id)     the values of a linked record, member or department, or undefined when not at hand
// A value that is not at hand makes `Missing` be thrown: leave the field to the server then.
//
// Inside: number = BigInt in units of 1e-10, date = day number (1970-01-01 is 0), date-time = BigInt microseconds.

export class Missing extends Error {}
export class TooMuch extends Error {}

const UNIT = 10n ** 10n;
const TEXT_RESULT = 100000;
const LOOP_WORK = 20000;
const FAR = 10000000n * UNIT;
const BLANKS = " \t\r\n\u00a0\u3000";

export function compile(tree) {
  const run = build(tree);
  return (environment) => toJson(run({ ...environment, left: LOOP_WORK, loops: {} }), tree);
}

// --- numbers ---

const whole = (number) => BigInt(number) * UNIT;

function divideRounded(left, right) {
  const negative = left < 0n !== right < 0n;
  const [top, bottom] = [left < 0n ? -left : left, right < 0n ? -right : right];
  const quotient = top / bottom + ((top % bottom) * 2n >= bottom ? 1n : 0n);
  return negative ? -quotient : quotient;
}

export function readNumber(written) {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(String(written).trim());
  if (match === null) return null;
  const [, sign, before, after = "", exponent = "0"] = match;
  if (before + after === "") return null;
  const power = 10 - after.length + Number(exponent);
  if (power > 60) return null;
  const digits = BigInt(before + after);
  const value = power >= 0 ? digits * 10n ** BigInt(power) : divideRounded(digits, 10n ** BigInt(-power));
  return sign === "-" ? -value : value;
}

export function writeNumber(value) {
  const digits = (value < 0n ? -value : value).toString().padStart(11, "0");
  const fraction = digits.slice(-10).replace(/0+$/, "");
  return (value < 0n ? "-" : "") + digits.slice(0, -10) + (fraction ? "." + fraction : "");
}

function floor(value, unit = UNIT) {
  const quotient = value / unit;
  return (value < 0n && quotient * unit !== value ? quotient - 1n : quotient) * unit;
}

const placeUnit = (places) => 10n ** (10n - places / UNIT);
const truncated = (value, unit) => (value / unit) * unit;

function roundUp(value, unit) {
  const cut = truncated(value, unit);
  return cut === value ? value : cut + (value < 0n ? -unit : unit);
}

function modulo(left, right) {
  if (left === null || right === null || right === 0n) return null;
  const rest = left % right;
  return rest !== 0n && rest < 0n !== right < 0n ? rest + right : rest;
}

function squareRoot(value) {
  if (value < 0n) return null;
  const square = value * UNIT * 4n;
  if (square === 0n) return 0n;
  let root = 1n << BigInt(Math.ceil(square.toString(2).length / 2));
  for (;;) {
    const next = (root + square / root) / 2n;
    if (next >= root) break;
    root = next;
  }
  return (root + 1n) / 2n;
}

function fixed(value, places) {
  const count = Number(places / UNIT);
  const scaled = divideRounded(value, 10n ** BigInt(10 - count));
  const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(count + 1, "0");
  const sign = scaled < 0n ? "-" : "";
  return sign + (count ? digits.slice(0, -count) + "." + digits.slice(-count) : digits);
}

// --- dates ---

export function readDate(written) {
  let [year, month, day] = written.split("-").map(Number);
  if (month <= 2) year -= 1;
  const era = Math.floor(year / 400);
  const yearOfEra = year - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146097 + dayOfEra - 719468;
}

function civil(number) {
  const shifted = number + 719468;
  const era = Math.floor(shifted / 146097);
  const dayOfEra = shifted - era * 146097;
  const leaps = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36524) + Math.floor(dayOfEra / 146096);
  const yearOfEra = Math.floor((dayOfEra - leaps) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day];
}

const padded = (number, width) => String(number).padStart(width, "0");

export function writeDate(number) {
  const [year, month, day] = civil(number);
  return `${padded(year, 4)}-${padded(month, 2)}-${padded(day, 2)}`;
}

const FIRST_DAY = readDate("0001-01-01");
const LAST_DAY = readDate("9999-12-31");
const isLeap = (year) => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;

function daysIn(year, month) {
  if (month === 2) return isLeap(year) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

function readMoment(written) {
  const match = /^(.*T\d\d:\d\d(?::\d\d)?)(?:\.(\d+))?(Z|[+-]\d\d:?\d\d)?$/.exec(written);
  if (match === null) return null;
  const [, start, fraction = "", zone = "Z"] = match;
  return BigInt(Date.parse(start + zone)) * 1000n + BigInt(fraction.padEnd(6, "0").slice(0, 6));
}

function writeMoment(value) {
  const seconds = value / 1000000n - (value % 1000000n < 0n ? 1n : 0n);
  const micros = value - seconds * 1000000n;
  const base = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return base + (micros ? "." + padded(micros, 6) : "") + "Z";
}

function local(moment, zone) {
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone, hourCycle: "h23",
    year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
  });
  const parts = {};
  for (const { type, value } of format.formatToParts(new Date(Number(moment / 1000n)))) parts[type] = value;
  return parts;
}

function localDay(moment, zone) {
  const parts = local(moment, zone);
  return readDate(`${parts.year}-${parts.month}-${parts.day}`);
}

function isoWeek(number) {
  const thursday = number - ((((number + 3) % 7) + 7) % 7) + 3;
  return Math.floor((thursday - readDate(`${civil(thursday)[0]}-1-1`)) / 7) + 1;
}

function moved(day, number, unit) {
  if (number >= FAR || number <= -FAR) return null;
  const steps = Number(floor(number) / UNIT);
  if (unit === "days" || unit === "weeks") {
    const result = day + steps * (unit === "weeks" ? 7 : 1);
    return result < FIRST_DAY || result > LAST_DAY ? null : result;
  }
  const [year, month, dayOfMonth] = civil(day);
  const months = year * 12 + month - 1 + steps * (unit === "years" ? 12 : 1);
  const [newYear, newMonth] = [Math.floor(months / 12), (((months % 12) + 12) % 12) + 1];
  if (newYear < 1 || newYear > 9999) return null;
  return readDate(`${newYear}-${newMonth}-${Math.min(dayOfMonth, daysIn(newYear, newMonth))}`);
}

function wholeMonths(start, end) {
  const [[startYear, startMonth, startDay], [endYear, endMonth, endDay]] = [civil(start), civil(end)];
  return (endYear - startYear) * 12 + endMonth - startMonth - (endDay < startDay ? 1 : 0);
}

function difference(start, end, unit) {
  if (unit === "days") return whole(end - start);
  const months = end >= start ? wholeMonths(start, end) : -wholeMonths(end, start);
  return whole(unit === "months" ? months : Math.trunc(months / 12));
}

function makeDate(year, month, day) {
  const [y, m, d] = [year, month, day].map((part) => floor(part) / UNIT);
  if (year < UNIT || year > whole(9999) || month < UNIT || month > whole(12) || day < UNIT || day > whole(31)) return null;
  return d > BigInt(daysIn(Number(y), Number(m))) ? null : readDate(`${y}-${m}-${d}`);
}

function dateText(pattern, [year, month, day], hour = "00", minute = "00") {
  const parts = { YYYY: padded(year, 4), MM: padded(month, 2), DD: padded(day, 2), HH: hour, mm: minute };
  return pattern.replace(/YYYY|MM|DD|HH|mm/g, (part) => parts[part]);
}

function momentText(moment, pattern, zone) {
  const parts = local(moment, zone);
  return dateText(pattern, civil(localDay(moment, zone)), parts.hour, parts.minute);
}

// --- texts ---

const characters = (text) => Array.from(text);

function short(text) {
  if (text.length > TEXT_RESULT && characters(text).length > TEXT_RESULT) throw new TooMuch("the text is too long");
  return text;
}

function countOf(number) {
  const count = floor(number) / UNIT;
  if (count < 0n) return 0;
  return count > BigInt(TEXT_RESULT) ? TEXT_RESULT : Number(count);
}

function trim(text) {
  let [start, end] = [0, text.length];
  while (start < end && BLANKS.includes(text[start])) start += 1;
  while (end > start && BLANKS.includes(text[end - 1])) end -= 1;
  return text.slice(start, end);
}

function middle(text, start, count) {
  const first = countOf(start);
  return first < 1 ? "" : characters(text).slice(first - 1, first - 1 + countOf(count)).join("");
}

function find(part, text) {
  const at = text.indexOf(part);
  return whole(at < 0 ? 0 : characters(text.slice(0, at)).length + 1);
}

function replaced(text, old, fresh) {
  if (old === "") return text;
  const parts = text.split(old);
  if (text.length + (parts.length - 1) * (fresh.length - old.length) > 2 * TEXT_RESULT) throw new TooMuch("the text is too long");
  return short(parts.join(fresh));
}

function textToNumber(text) {
  const stripped = trim(text);
  return /^[+-]?[0-9]{1,15}(\.[0-9]{1,10})?$/.test(stripped) ? readNumber(stripped) : null;
}

// --- the library: the same names and meanings as engines/expressions/functions ---

export const FUNCTIONS = {
  ROUND: (value, places) => { const unit = placeUnit(places); return divideRounded(value, unit) * unit; },
  ROUNDUP: (value, places) => roundUp(value, placeUnit(places)),
  ROUNDDOWN: (value, places) => truncated(value, placeUnit(places)),
  FLOOR: (value) => floor(value),
  CEILING: (value) => -floor(-value),
  ABS: (value) => (value < 0n ? -value : value),
  SIGN: (value) => whole(value > 0n ? 1 : value < 0n ? -1 : 0),
  SQRT: squareRoot,
  VALUE: textToNumber,
  NUMBER_TEXT: fixed,
  LEFT: (text, count) => characters(text).slice(0, countOf(count)).join(""),
  RIGHT: (text, count) => { const wanted = countOf(count); return wanted ? characters(text).slice(-wanted).join("") : ""; },
  MID: middle,
  LEN: (text) => whole(characters(text).length),
  UPPER: (text) => text.toUpperCase(),
  LOWER: (text) => text.toLowerCase(),
  TRIM: trim,
  CONTAINS: (text, part) => text.includes(part),
  STARTSWITH: (text, part) => text.startsWith(part),
  ENDSWITH: (text, part) => text.endsWith(part),
  FIND: find,
  REPLACE: replaced,
  DATE: makeDate,
  TODATE: localDay,
  YEAR: (day) => whole(civil(day)[0]),
  MONTH: (day) => whole(civil(day)[1]),
  DAY: (day) => whole(civil(day)[2]),
  HOUR: (moment, zone) => whole(Number(local(moment, zone).hour)),
  MINUTE: (moment, zone) => whole(Number(local(moment, zone).minute)),
  WEEKDAY: (day) => whole(((((day + 3) % 7) + 7) % 7) + 1),
  WEEKNUM: (day) => whole(isoWeek(day)),
  QUARTER: (day) => whole(Math.floor((civil(day)[1] + 2) / 3)),
  DATEADD: moved,
  DAYS_BETWEEN: (start, end) => whole(end - start),
  DATEDIF: difference,
  DATE_TEXT: (day, pattern) => dateText(pattern, civil(day)),
  MOMENT_TEXT: momentText,
};

const IN_ZONE = new Set(["TODATE", "HOUR", "MINUTE", "MOMENT_TEXT"]);
const EMPTY = { text: "", yes_no: false };
const emptyOf = (type) => (type in EMPTY ? EMPTY[type] : null);

// --- values from and to JSON ---

function read(value, node) {
  const blank = value === null || value === undefined || value === "";
  switch (node.type) {
    case "text": return blank ? "" : String(value);
    case "yes_no": return value === true;
    case "list": return (value || []).map((each) => read(each, { type: node.of }));
    case "rows": return value || [];
    case "number": return blank ? null : readNumber(value);
    case "date": return blank ? null : readDate(value);
    case "datetime": return blank ? null : readMoment(value);
    default: return blank ? null : String(value);
  }
}

function toJson(value, node) {
  if (value === null) return null;
  switch (node.type) {
    case "number": return writeNumber(value);
    case "date": return typeof value === "number" ? writeDate(value) : value;
    case "datetime": return writeMoment(value);
    case "list": return value.map((each) => toJson(each, { type: node.of }));
    default: return value;
  }
}

const own = (values, key) => (Object.prototype.hasOwnProperty.call(values, key) ? values[key] : null);

// --- comparing ---

function order(left, right) {
  if (typeof left !== "string") return left < right ? -1 : left > right ? 1 : 0;
  const [first, second] = [characters(left), characters(right)];
  for (let at = 0; at < first.length && at < second.length; at += 1) {
    const apart = first[at].codePointAt(0) - second[at].codePointAt(0);
    if (apart !== 0) return apart;
  }
  return first.length - second.length;
}

const both = (test) => (left, right) => left !== null && right !== null && test(order(left, right));
const same = (left, right) =>
  Array.isArray(left) ? JSON.stringify(left) === JSON.stringify(right) : left === right;

const COMPARE = {
  "==": same,
  "<": both((apart) => apart < 0),
  "<=": both((apart) => apart <= 0),
  ">": both((apart) => apart > 0),
  ">=": both((apart) => apart >= 0),
};

const numeric = (step) => (left, right) => (left === null || right === null ? null : step(left, right));
const STEPS = {
  "+": numeric((left, right) => left + right),
  "-": numeric((left, right) => left - right),
  "*": numeric((left, right) => divideRounded(left * right, UNIT)),
  "/": numeric((left, right) => (right === 0n ? null : divideRounded(left * UNIT, right))),
  "%": modulo,
};

const isBlank = (value) => value === null || value === "" || (Array.isArray(value) && value.length === 0);
const known = (values) => values.filter((value) => value !== null);
const chosen = (values, wins) => known(values).reduce((best, each) => (best === null || wins(each, best) ? each : best), null);
const smallest = (values) => chosen(values, (each, best) => each < best);
const largest = (values) => chosen(values, (each, best) => each > best);
const total = (values) => known(values).reduce((sum, each) => sum + each, 0n);

const AGGREGATES = {
  sum: total,
  avg: (values) => (known(values).length ? divideRounded(total(values), BigInt(known(values).length)) : null),
  min: smallest,
  max: largest,
  count: (values) => whole(values.filter((value) => !isBlank(value)).length),
  any: (values) => values.some(Boolean),
  all: (values) => values.every(Boolean),
};

// --- the tree as closures ---

const sizeOf = (node) => 1 + (node.args || []).reduce((sum, each) => sum + sizeOf(each), 0);

function build(node) {
  const make = BUILD[node.kind];
  if (make !== undefined) return make(node);
  const args = node.args.map(build);
  if (node.kind in STEPS) {
    const step = STEPS[node.kind];
    return (at) => step(args[0](at), args[1](at));
  }
  throw new Error(`unknown step ${node.kind}`);
}

// Where a field is read: a root, or what a link, member or department leads to.
function source(node) {
  if (node.kind === "root") {
    const name = node.value;
    return (at) => (name.startsWith("loop") || name.startsWith("each") ? at.loops[name] : at[name]) ?? null;
  }
  const link = build(node);
  return (at) => {
    const id = link(at);
    if (id === null) return null;
    const found = at.follow ? at.follow(node.type, node.form || null, id) : undefined;
    if (found === undefined) throw new Missing("a linked record is not at hand");
    return found;
  };
}

function readFrom(base, key, node) {
  return (at) => {
    const values = base(at);
    return read(values === null ? null : own(values, key), node);
  };
}

const BUILD = {
  literal: (node) => { const value = node.value === undefined ? emptyOf(node.type) : read(node.value, node); return () => value; },
  list: (node) => { const values = (node.args || []).map((each) => build(each)()); return () => values; },
  extra: (node) => readFrom((at) => at.extras || null, node.value, node),
  identity: (node) => readFrom(source(node.args[0]), "id", { type: "link" }),
  field: (node) => readFrom(source(node.args[0]), node.value, node),
  and: (node) => { const args = node.args.map(build); return (at) => args.every((each) => each(at)); },
  or: (node) => { const args = node.args.map(build); return (at) => args.some((each) => each(at)); },
  not: (node) => { const inner = build(node.args[0]); return (at) => !inner(at); },
  if: (node) => { const [test, value, other] = node.args.map(build); return (at) => (test(at) ? value(at) : other(at)); },
  compare: (node) => {
    const [left, right] = node.args.map(build);
    const compare = COMPARE[node.value];
    return (at) => compare(left(at), right(at));
  },
  in: (node) => { const [value, list] = node.args.map(build); return (at) => { const one = value(at); return list(at).includes(one); }; },
  blank: (node) => { const value = build(node.args[0]); return (at) => isBlank(value(at)); },
  either: (node) => {
    const [value, instead] = node.args.map(build);
    return (at) => { const first = value(at); return first === null || first === "" ? instead(at) : first; };
  },
  smallest: (node) => { const args = node.args.map(build); return (at) => smallest(args.map((each) => each(at))); },
  largest: (node) => { const args = node.args.map(build); return (at) => largest(args.map((each) => each(at))); },
  join: (node) => { const args = node.args.map(build); return (at) => short(args.map((each) => each(at)).join("")); },
  length: (node) => { const list = build(node.args[0]); return (at) => whole(list(at).length); },
  negate: (node) => { const inner = build(node.args[0]); return (at) => { const value = inner(at); return value === null ? null : -value; }; },
  call: buildCall,
  aggregate: buildAggregate,
};

function buildCall(node) {
  if (node.value === "TODAY") return (at) => readDate(at.today);
  if (node.value === "NOW") return (at) => readMoment(at.now);
  const call = FUNCTIONS[node.value];
  if (call === undefined) throw new Error(`unknown function ${node.value}`);
  const args = node.args.map(build);
  const empty = emptyOf(node.type);
  return (at) => {
    const values = args.map((each) => each(at));
    if (values.includes(null)) return empty;
    return IN_ZONE.has(node.value) ? call(...values, at.zone) : call(...values);
  };
}

function buildAggregate(node) {
  const [rows, element, condition] = node.args.map(build);
  const work = sizeOf(node.args[1]) + sizeOf(node.args[2]);
  const conclude = AGGREGATES[node.value];
  return (at) => {
    const values = [];
    const found = rows(at);
    at.left -= found.length * work;
    if (at.left < 0) throw new TooMuch("the loop goes over too many rows");
    for (const row of found) {
      at.loops[node.loop] = row;
      if (condition(at)) values.push(element(at));
    }
    return conclude(values);
  };
}
