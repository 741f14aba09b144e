// The axes of the pictures.
import { scaleLinear, scaleLog } from 'd3-scale';

/** A share between `least` (where the axis is logarithmic; else 0) and `most`, onto pixels. */
export const shareScale = (log: boolean, least: number, most: number, pixels: [number, number]) =>
  (log ? scaleLog([least, 1], pixels) : scaleLinear([0, most], pixels)).clamp(true);
