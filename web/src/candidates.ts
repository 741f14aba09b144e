// The tokens of a view as the panel shows them.
import type { TokenId, View } from './engine/protocol';

/** Probability before and after the stages. */
export interface Shares {
  raw: number;
  final: number;
  pinned: number | null; // through the settings to compare with
}

export interface Row extends Shares {
  token: TokenId;
  removedBy: string | null;
}

/** The first `count` by raw rank, and the one that was drawn where it is listed further down. */
export function rowsOf(view: View, pinned: View | null, count: number): Row[] {
  const rows: Row[] = [];
  for (const [index, candidate] of view.trace.candidates.entries()) {
    if (index >= count && candidate.token !== view.trace.draw?.token) continue;
    rows.push({
      token: candidate.token,
      raw: view.raw.probabilities[candidate.rank] ?? 0,
      final: candidate.probability,
      pinned: pinned?.trace.candidates[index]?.probability ?? null,
      removedBy: candidate.removed_by,
    });
  }
  return rows;
}

// Rounding must not make it less than nothing.
const rest = (shares: number[]): number =>
  Math.max(0, 1 - shares.reduce((sum, share) => sum + share, 0));

const finalRest = (shares: number[], { trace }: View): number =>
  shares.filter((share) => share > 0).length === trace.survivors ? 0 : rest(shares);

/** All tokens that are not among `rows`, as one. */
export const tailOf = (rows: Row[], view: View, pinned: View | null): Shares => ({
  raw: rows.length === view.trace.vocab_size ? 0 : rest(rows.map(({ raw }) => raw)),
  final: finalRest(rows.map(({ final }) => final), view),
  pinned: pinned && finalRest(rows.map((row) => row.pinned ?? 0), pinned),
});

/** A survivor's place on [0, 1), where the uniform falls. */
export interface Segment {
  token: TokenId | null; // null where it is not among the candidates
  begin: number;
  end: number;
}

/** The most probable survivors, laid end to end; the curve has each of the first hundred ranks. */
export function segmentsOf({ trace, final }: View): Segment[] {
  const survivors = trace.candidates
    .filter(({ probability }) => probability > 0)
    .sort((a, b) => b.probability - a.probability || a.token - b.token);
  const segments: Segment[] = [];
  let next = 0;
  for (let rank = 0; final.ranks[rank] === rank; ++rank) {
    const probability = final.probabilities[rank]!;
    const candidate = survivors[next];
    const listed = candidate !== undefined && candidate.probability >= probability * (1 - 1e-9);
    if (listed) ++next;
    const begin = segments.at(-1)?.end ?? 0;
    segments.push({ token: listed ? candidate.token : null, begin, end: final.cumulative[rank]! });
  }
  return segments;
}
