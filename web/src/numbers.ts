// Numbers as they are read: the same spelling all over the page.
const whole = new Intl.NumberFormat('en-US');

/** 50,257 */
export const count = (value: number): string => whole.format(value);

/** 62.5%, 6.18%, 0.012%; what is kept but too small to be told from nothing is <0.001%. */
export function percent(value: number): string {
  const hundredths = 100 * value;
  if (hundredths === 0) return '0%';
  if (hundredths < 0.001) return '<0.001%';
  if (hundredths >= 99.95) return hundredths > 99.99999 ? '100%' : '>99.9%';
  return `${hundredths.toPrecision(hundredths < 0.1 ? 2 : 3)}%`;
}

/** A round share on an axis: 10%, 0.001%, 1e-5%. */
export function tick(share: number): string {
  const hundredths = Number((100 * share).toPrecision(3));
  return `${hundredths > 0 && hundredths < 0.001 ? hundredths.toExponential() : hundredths}%`;
}

/** 0.00137: three digits that say something. */
export const short = (value: number): string => String(Number(value.toPrecision(3)));
