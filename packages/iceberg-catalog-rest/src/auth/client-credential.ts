import { checkedText, invalidOption } from '../option-checks.ts';

/** Who asks for tokens, and how it proves that. */
export interface ClientCredential {
  readonly id: string | undefined;
  readonly secret: string | undefined;
  readonly authentication: 'body' | 'basic';
}

/** The options that a {@link ClientCredential} is made of. */
export interface ClientCredentialOptions {
  readonly credential?: string | undefined;
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
  readonly clientAuthentication?: 'body' | 'basic' | undefined;
}

/** Puts the options together. Errors: `INVALID_ARGUMENT`, which shows no value. */
export function resolveClientCredential(what: string, options: ClientCredentialOptions): ClientCredential {
  const { credential, clientAuthentication: authentication = 'body' } = options;
  if (authentication !== 'body' && authentication !== 'basic') {
    throw invalidOption(what, 'clientAuthentication', 'body or basic');
  }
  const clientId = checkedText(what, 'clientId', options.clientId);
  const clientSecret = checkedText(what, 'clientSecret', options.clientSecret);
  if (credential !== undefined && (clientId !== undefined || clientSecret !== undefined)) {
    throw invalidOption(what, 'credential', 'alone: clientId and clientSecret say the same');
  }
  const [id, secret] =
    credential === undefined ? [clientId, clientSecret] : parseCredential(what, credential);
  if (authentication === 'basic' && (id === undefined || secret === undefined)) {
    throw invalidOption(what, 'clientAuthentication', 'body, though basic needs an id and a secret');
  }
  return { id, secret, authentication };
}

/** `id:secret`, of which the secret may have colons, or a secret alone. */
function parseCredential(what: string, credential: string): [string | undefined, string] {
  const colon = typeof credential === 'string' ? credential.indexOf(':') : -1;
  const id = colon < 0 ? undefined : credential.slice(0, colon);
  const secret = colon < 0 ? credential : credential.slice(colon + 1);
  if (typeof secret !== 'string' || secret === '' || id === '') {
    throw invalidOption(what, 'credential', 'id:secret, or a secret alone');
  }
  return [id, secret];
}

/** The `Authorization` of RFC 6749 section 2.3.1: id and secret are form-encoded before they are joined. */
export function basicAuthorization(id: string, secret: string): string {
  const encode = (text: string) => new URLSearchParams({ '': text }).toString().slice(1);
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64')}`;
}
