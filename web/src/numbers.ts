// Numbers as they are read: the same spelling all over the page.
const whole = new Intl.NumberFormat('en-US');

/** 50,257 */
export const count = (value: number): string => whole.format(value);

/** 62.5%, 6.18%, 0.012%; what is kept but too small to be told from nothing is <0.001%. */
export function percent(value: number): string {
  const hundredths = 100 * value;
  if (hundredths === 0) return '0%';
  if (hundredths < 0.001) return '<0.001%';
  if (hundredths >= 99.95 && hundredths < 100) return '>99.9%';
  return `${Number(hundredths.toPrecision(hundredths < 0.1 ? 2 : 3))}%`;
}

/** 0.00137: three digits that say something. */
export const short = (value: number): string => String(Number(value.toPrecision(3)));
