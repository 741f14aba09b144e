// The tree of texts as a list of its ends.
import type { NodeId, TextNode } from './engine/protocol';

export interface Branch {
  /** Its last node. */
  end: NodeId;
  /** Its first node that the branches before it do not have. */
  first: NodeId;
  /** How many tokens are before that. */
  shared: number;
  length: number;
  /** Of all its tokens, before any stage; in nats. */
  logprob: number;
}

/** The branches in the order in which they were begun. */
export function branches(nodes: ReadonlyMap<NodeId, TextNode>): Branch[] {
  const parents = new Set([...nodes.values()].map(({ parent }) => parent));
  const seen = new Set<NodeId>();
  const found: Branch[] = [];
  for (const { id } of nodes.values()) {
    if (parents.has(id)) continue;
    const branch: Branch = { end: id, first: id, shared: 0, length: 0, logprob: 0 };
    for (let node = nodes.get(id)!; node.parent !== null; node = nodes.get(node.parent)!) {
      ++branch.length;
      branch.logprob += node.report!.logprob;
      if (seen.has(node.id)) ++branch.shared;
      else branch.first = node.id;
      seen.add(node.id);
    }
    if (branch.length > 0) found.push(branch);
  }
  return found;
}
