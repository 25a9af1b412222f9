// Where a request comes from, told by proxies that are to be believed. Rules: spec/relay-protocol.md §12 (RP127).
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** Some addresses. */
export interface AddressSet {
  has(address: string): boolean;
}

/**
 * @param texts - addresses, or networks such as `10.0.0.0/8` and `fd00::/8`.
 * @throws RangeError naming one that is neither.
 */
export const addressSet = (texts: readonly string[]): AddressSet => {
  const list = new BlockList();
  for (const text of texts) {
    const [address = '', bits, ...more] = text.split('/');
    const family = familyOf(address);
    const most = family === 'ipv4' ? 32 : 128;
    const isNetwork = bits !== undefined;
    if (
      family === undefined ||
      more.length > 0 ||
      (isNetwork && !(/^\d{1,3}$/.test(bits) && Number(bits) <= most))
    )
      throw new RangeError(`${text}: neither an address nor a network`);
    if (isNetwork) list.addSubnet(address, Number(bits), family);
    else list.addAddress(address, family);
  }
  return {
    has(text) {
      const address = plain(text);
      const family = familyOf(address);
      return family !== undefined && list.check(address, family);
    },
  };
};

/**
 * Where a request comes from: as the proxy in front tells it, the last address in `X-Forwarded-For`, which the proxy put
 * there itself. Without one, the proxy's own. For relays that nobody but the proxy can reach.
 */
export const forwardedFor = (request: IncomingMessage): string =>
  hopsOf(request).at(-1) ?? request.socket.remoteAddress ?? '';

/**
 * Where a request comes from, where only some addresses are proxies: the header counts if one of them brought it, and of the
 * addresses in it the last that is none of them.
 */
export const forwardedBy =
  (proxies: AddressSet) =>
  (request: IncomingMessage): string => {
    const own = request.socket.remoteAddress ?? '';
    if (!proxies.has(own)) return own;
    const hops = hopsOf(request);
    return hops.findLast((hop) => !proxies.has(hop)) ?? hops[0] ?? own;
  };

const hopsOf = (request: IncomingMessage): string[] =>
  [request.headers['x-forwarded-for'] ?? []]
    .flat()
    .join(',')
    .split(',')
    .map((hop) => hop.trim())
    .filter((hop) => hop !== '');

/** IPv4 inside IPv6 is IPv4, as everywhere in the relay. */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');

const familyOf = (address: string): 'ipv4' | 'ipv6' | undefined =>
  (({ 4: 'ipv4', 6: 'ipv6' }) as const)[isIP(address) as 4 | 6];
