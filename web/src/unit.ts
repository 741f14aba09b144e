/** How much larger than 16 pixels the reader wants text to be: pictures grow with it. */
export const unit = (): number =>
  Number.parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
