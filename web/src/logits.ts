// Logits of the reader's own: typed, pasted, or one of a few shapes.
import { visible } from './bytes';

export interface OwnLogits {
  logits: Float32Array;
  labels: string[] | null; // null: by their numbers
}

/** What is wrong with a text that should be logits: what, and where. */
export class InputError extends Error {}

const most = 1_000_000;
const encoder = new TextEncoder();

/** Numbers between white space or commas, a JSON array, or a JSON object of tokens and logits. */
export function parseLogits(text: string): OwnLogits {
  const trimmed = text.trim();
  const given = trimmed.startsWith('{') ? entries(trimmed) : words(trimmed);
  if (given.values.length === 0) {
    throw new InputError('There are no numbers yet. Type or paste some, such as 3.1, 2.4, -0.5.');
  }
  if (given.values.length > most) {
    const number = given.values.length.toLocaleString('en-US');
    throw new InputError(`There are ${number} numbers. Leave at most 1,000,000.`);
  }
  const logits = Float32Array.from(given.values, (value, index) =>
    logit(value, given.labels?.[index] ?? `Number ${index + 1}`),
  );
  if (logits.every((value) => value === -Infinity)) {
    throw new InputError('Every logit is -inf, so nothing could be drawn. Make one a number.');
  }
  return { logits, labels: given.labels };
}

/** The fewest digits that are read as the same float. */
function digits(value: number): string {
  for (let precision = 1; ; ++precision) {
    const text = String(Number(value.toPrecision(precision)));
    if (Math.fround(Number(text)) === value) return text;
  }
}

/** As parseLogits() reads them; labels that are alike would be one member, and so are left out. */
export function writeLogits({ logits, labels }: OwnLogits): string {
  const written = [...logits].map((value) => (value === -Infinity ? 'null' : digits(value)));
  if (labels === null || new Set(labels).size < labels.length) return written.join(',');
  return `{${written.map((value, i) => `${JSON.stringify(labels[i])}:${value}`).join(',')}}`;
}

interface Given {
  values: (string | number | null)[];
  labels: string[] | null;
}

function words(text: string): Given {
  const isArray = text.startsWith('[');
  if (isArray && !text.endsWith(']')) {
    throw new InputError('The list begins with [ but does not end with ]. Add it, or drop both.');
  }
  const inner = (isArray ? text.slice(1, -1) : text).trim();
  if (inner === '') return { values: [], labels: null };
  return { values: inner.split(/\s*,\s*|\s+/), labels: null };
}

function entries(text: string): Given {
  let object: Record<string, unknown>;
  try {
    object = JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new InputError(`This is not valid JSON. ${(error as Error).message}.`);
  }
  const labels = Object.keys(object).map((key) => visible(encoder.encode(key)));
  const values = Object.values(object).map((value) =>
    typeof value === 'number' || value === null ? value : JSON.stringify(value),
  );
  return { values, labels };
}

// null and -inf are the logits of what can never be drawn, as in the engine's own JSON.
function logit(given: string | number | null, place: string): number {
  if (given === null || /^(null|-inf(inity)?)$/i.test(String(given))) return -Infinity;
  const shown = String(given).length > 24 ? `${String(given).slice(0, 24)}…` : String(given);
  if (given === '') throw new InputError(`${place} is missing: there are two commas, or one too many.`);
  const value = Number(given);
  if (Number.isNaN(value)) throw new InputError(`${place}, “${shown}”, is not a number.`);
  if (!Number.isFinite(Math.fround(value))) {
    throw new InputError(`${place}, “${shown}”, is too large: at most 3.4e38 either way.`);
  }
  return value;
}

export interface Shape {
  name: string;
  size: number;
  logit: (token: number) => number;
}

/** Kinds of distributions that a model makes, each as the logits by token. */
export const shapes: Shape[] = [
  { name: 'One sure winner', size: 40, logit: (i) => (i === 0 ? 9 : 3 - 0.08 * i) },
  { name: 'Peak and shoulder', size: 24, logit: (i) => 6 - 0.37 * i },
  { name: 'Nearly flat', size: 40, logit: (i) => 1 - 0.01 * i },
  {
    name: 'Two humps',
    size: 40,
    logit: (i) => Math.max(5 - (i - 8) ** 2 / 10, 4.2 - (i - 27) ** 2 / 16),
  },
  { name: 'Long tail', size: 50257, logit: (i) => 10 - 1.2 * Math.log(i + 1) },
  { name: 'Stairs, with ties', size: 40, logit: (i) => 4 - 1.5 * Math.floor(i / 5) },
];

export const shaped = ({ size, logit }: Shape): Float32Array =>
  Float32Array.from({ length: size }, (_, token) => logit(token));
