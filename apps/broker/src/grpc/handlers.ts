import type { handleUnaryCall, ServerUnaryCall } from '@grpc/grpc-js';
import { BrokerError } from '../errors.ts';
import { toServiceError } from './status.ts';

/** Counts requests under way, so that a stopping broker can answer them before it closes what they use. */
export class RequestGate {
  #open = true;
  #underWay = 0;
  #idle: (() => void) | undefined;

  /** Enters a request. @throws BrokerError `SHUTTING_DOWN` after {@link close} */
  enter(): void {
    if (!this.#open) throw new BrokerError('SHUTTING_DOWN', 'The broker is shutting down; nothing was done.');
    this.#underWay += 1;
  }

  leave(): void {
    this.#underWay -= 1;
    if (this.#underWay === 0) this.#idle?.();
  }

  /** Refuses new requests and resolves when those under way are answered, at the latest after `limitMs`. */
  async close(limitMs: number): Promise<void> {
    this.#open = false;
    if (this.#underWay === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, limitMs);
      this.#idle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/**
 * A unary handler from a function: errors become statuses, and a client that has gone meanwhile is no error.
 *
 * @param gate refuses calls while the broker stops; undefined for calls that are welcome until the end
 * @param onError told about every refusal and failure, for logs
 */
export function unary<Request, Response>(
  gate: RequestGate | undefined,
  work: (request: Request, call: ServerUnaryCall<Request, Response>) => Promise<Response> | Response,
  onError: (method: string, error: unknown) => void,
): handleUnaryCall<Request, Response> {
  return (call, reply) => {
    const answer = async () => {
      gate?.enter();
      try {
        return await work(call.request, call);
      } finally {
        gate?.leave();
      }
    };
    answer().then(
      (response) => reply(null, response),
      (error: unknown) => {
        onError(call.getPath(), error);
        reply(toServiceError(error));
      },
    );
  };
}
