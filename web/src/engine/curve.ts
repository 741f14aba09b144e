import type { RankCurve } from './protocol';

/** Ranks to draw: each of the first 100, then about 60 for each factor of ten, and the last. */
function shownRanks(size: number): number[] {
  const ranks: number[] = [];
  for (let rank = 0; rank < size; rank = rank < 100 ? rank + 1 : Math.round(rank * 1.04)) {
    ranks.push(rank);
  }
  if (size > 0 && ranks.at(-1) !== size - 1) ranks.push(size - 1);
  return ranks;
}

/** A curve of few points through probabilities by rank. */
export function rankCurve(probabilities: Float64Array): RankCurve {
  const shown = shownRanks(probabilities.length);
  const cumulative = new Float64Array(shown.length);
  let sum = 0;
  let next = 0;
  for (let rank = 0; rank < probabilities.length; ++rank) {
    sum += probabilities[rank]!;
    if (rank === shown[next]) cumulative[next++] = sum;
  }
  return {
    ranks: Float64Array.from(shown),
    probabilities: Float64Array.from(shown, (rank) => probabilities[rank]!),
    cumulative,
    size: probabilities.length,
  };
}
