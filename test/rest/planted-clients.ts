import type { IcebergErrorCode } from '../../packages/iceberg/src/index.ts';
import type { Manners, Trouble } from './naive-client.ts';

const definite: Readonly<Record<number, IcebergErrorCode>> = {
  404: 'TABLE_NOT_FOUND',
  409: 'COMMIT_CONFLICT',
  419: 'ACCESS_DENIED',
  429: 'CATALOG_UNAVAILABLE',
};

/** The truth, if not more than that: what may have happened is unknown. */
function careful(trouble: Trouble): IcebergErrorCode {
  return (trouble.kind === 'refused' && definite[trouble.status]) || 'COMMIT_STATE_UNKNOWN';
}

const never = () => false;

/** A client that never says what is not so. The tests that catch the others let it pass. */
export const carefulManners: Manners = { again: never, code: careful };

/** The mistakes of clients, each with an operation and a fault that show it. */
export const plantedClients: readonly {
  readonly name: string;
  readonly manners: Manners;
  readonly shownBy: readonly (readonly [operation: string, fault: string])[];
}[] = [
  {
    name: 'one that sends a commit again blindly',
    manners: { again: () => true, code: careful },
    shownBy: [
      ['commit', 'the reply is lost by a reset'],
      ['commit', 'the reply comes after the time-out'],
      ['commit', '503 after the server did it'],
      ['commit', '502 with a page of HTML after the server did it'],
    ],
  },
  {
    name: 'one that sends again whatever a Retry-After comes with',
    manners: { again: (trouble) => trouble.kind === 'refused' && trouble.status === 503, code: careful },
    shownBy: [
      ['commit', '503 with Retry-After after the server did it'],
      ['create', '503 with Retry-After after the server did it'],
      ['drop', '503 with Retry-After after the server did it'],
      ['rename', '503 with Retry-After after the server did it'],
    ],
  },
  {
    name: 'one that sends again what has no body, and believes the 404',
    manners: { again: (trouble) => trouble.kind === 'lost', code: careful },
    shownBy: [
      ['drop', 'the reply is lost by a reset'],
      ['drop', 'the reply is lost by an end of the connection'],
      ['rename', 'the reply is lost by a reset'],
      ['create', 'the reply is lost by a reset'],
    ],
  },
  {
    name: 'one that takes 503 for a failure',
    manners: {
      again: never,
      code: (trouble) =>
        trouble.kind === 'refused' && trouble.status === 503 ? 'CATALOG_UNAVAILABLE' : careful(trouble),
    },
    shownBy: [
      ['commit', '503 after the server did it'],
      ['create', '503 after the server did it, every time'],
    ],
  },
  {
    name: 'one that takes 500, 502 and 504 for a failure',
    manners: {
      again: never,
      code: (trouble) =>
        trouble.kind === 'refused' && trouble.status >= 500 ? 'CATALOG_UNAVAILABLE' : careful(trouble),
    },
    shownBy: [
      ['commit', '500 after the server did it'],
      ['drop', '502 with a page of HTML after the server did it'],
      ['rename', '504 after the server did it'],
    ],
  },
  {
    name: 'one that takes a lost reply for a conflict',
    manners: {
      again: never,
      code: (trouble) => (trouble.kind === 'lost' ? 'COMMIT_CONFLICT' : careful(trouble)),
    },
    shownBy: [
      ['commit', 'the reply is lost by a reset'],
      ['commit', 'the reply breaks off in its body'],
      ['create', 'the reply is lost, and nothing answers from then on'],
    ],
  },
  {
    name: 'one that takes a time-out for a failure',
    manners: {
      again: never,
      code: (trouble) => (trouble.kind === 'timeout' ? 'CATALOG_UNAVAILABLE' : careful(trouble)),
    },
    shownBy: [
      ['commit', 'the reply comes after the time-out'],
      ['drop', 'the request lands after the time-out'],
      ['create', 'the body of the reply is slower than the time-out'],
    ],
  },
  {
    name: 'one that takes a reply it cannot read for a failure',
    manners: {
      again: never,
      code: (trouble) => (trouble.kind === 'unreadable' ? 'INVALID_METADATA' : careful(trouble)),
    },
    shownBy: [
      ['commit', '200 with the first half of the JSON'],
      ['rename', '200 with a page of HTML after the server did it'],
    ],
  },
  {
    name: 'one that takes any 200 for a success',
    manners: { again: never, code: careful, believes: true },
    shownBy: [
      ['drop', '200 with a page of HTML'],
      ['rename', '200 with a page of HTML'],
    ],
  },
];
