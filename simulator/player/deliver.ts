/** One delivery of a stream, as a debugger plays it. */
import type { Search } from '../explore/search.ts';
import type { Node, SearchEvent } from '../explore/state.ts';
import { nodeAfter } from './beat.ts';

/** The state after a delivery; the state itself where the stream has no such change to deliver. */
export async function deliver(
  { streams, wants }: Search,
  node: Node,
  event: SearchEvent & { readonly kind: 'deliver' },
): Promise<Node> {
  const all = await wants.settle(() => streams.deliveries(wants.want, node.schema, node.content, node.streams, 'all'));
  const found = all.find((d) => d.event.stream.name === event.stream.name && d.event.again === event.again);
  const fields = found?.kind === 'delivered' ? { content: found.content, streams: found.streams } : {};
  return nodeAfter(node, fields, event, false);
}
