// Numbers and messages in the page's language.

const language = document.documentElement.lang;

/** Replaces {name} in a message. */
export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);

/** Returns the message for `count` things; that for one has `_one` behind its name. */
export function plural(messages, name, count) {
  const isOne = new Intl.PluralRules(language).select(count) === "one";
  return messages[isOne ? `${name}_one` : name];
}

export const number = (value) => new Intl.NumberFormat(language, { maximumFractionDigits: 1 }).format(value);
export const percent = (value) => new Intl.NumberFormat(language, { style: "percent" }).format(value);

export function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let power = 0;
  while (bytes >= 1000 && power < units.length - 1) {
    bytes /= 1000;
    power += 1;
  }
  return `${number(bytes)} ${units[power]}`;
}

export function duration(seconds) {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
