/** A request to a token endpoint, as far as it keeps to RFC 6749 and RFC 8693; else what is wrong with it. */
export type StrictForm = { readonly fields: ReadonlyMap<string, string> } | { readonly violation: string };

const known = new Set([
  'grant_type',
  'client_id',
  'client_secret',
  'scope',
  'audience',
  'resource',
  'subject_token',
  'subject_token_type',
  'actor_token',
  'actor_token_type',
  'requested_token_type',
]);
const encoded = /^(?:[A-Za-z0-9*._-]|%[0-9A-F]{2}|\+)*$/;

/** Reads `application/x-www-form-urlencoded`, more strictly than servers do: this judges a client. */
export function readStrictForm(contentType: string | undefined, body: string): StrictForm {
  if (contentType !== 'application/x-www-form-urlencoded')
    return { violation: `content type ${contentType}` };
  const fields = new Map<string, string>();
  for (const pair of body.split('&')) {
    const [name = '', value, ...more] = pair.split('=');
    if (value === undefined || more.length > 0) return { violation: 'a pair without one =' };
    if (!encoded.test(name) || !encoded.test(value)) return { violation: `${name} is not encoded` };
    if (!known.has(name)) return { violation: `${name} is unknown` };
    if (fields.has(name)) return { violation: `${name} is there twice` };
    if (value === '') return { violation: `${name} is empty` };
    fields.set(name, decode(value));
  }
  if (!fields.has('grant_type')) return { violation: 'no grant_type' };
  return { fields };
}

/** Client id and secret of an `Authorization: Basic`, form-decoded as RFC 6749 section 2.3.1 has it. */
export function readBasic(authorization: string): [id: string, secret: string] | undefined {
  const [scheme, text] = authorization.split(' ');
  const parts = Buffer.from(text ?? '', 'base64')
    .toString('utf8')
    .split(':');
  if (scheme !== 'Basic' || parts.length !== 2 || !parts.every((part) => encoded.test(part)))
    return undefined;
  return [decode(parts[0] as string), decode(parts[1] as string)];
}

const decode = (text: string) => decodeURIComponent(text.replaceAll('+', ' '));
