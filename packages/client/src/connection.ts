import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { CallFailure } from './error-mapping.ts';
import { ClientError } from './errors.ts';
import type { ResolvedOptions } from './options.ts';
import { SendWindow } from './send-window.ts';
import type { ServiceUrl } from './service-url.ts';
import type { ServerStreamMethod, UnaryMethod } from './services.ts';
import { AUTHORIZATION_METADATA, BROKER_URL_METADATA, MAX_PAYLOAD_BYTES } from './wire-constants.ts';

/** Where a call goes behind the connection it uses. */
export interface Route {
  /** Set when a proxy forwards by this broker URL. */
  readonly proxiedBrokerUrl?: string;
}

/** What a single call may add. */
export interface CallOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** A running message stream. */
export interface IncomingStream<Message> {
  readonly stream: ClientReadableStream<Message>;
  /** The failure that a stream error stands for. */
  failure(error: ServiceError): CallFailure;
  cancel(): void;
}

function isGrpcAnswer(metadata: Metadata | undefined): boolean {
  const contentType = metadata?.get('content-type')[0];
  return typeof contentType === 'string' && contentType.startsWith('application/grpc');
}

/** One HTTP/2 connection to one broker or proxy; it connects when first used and reconnects by itself. */
export class Connection {
  readonly url: ServiceUrl;
  /** For messages whose order counts. */
  readonly window = new SendWindow();
  readonly #client: Client;
  readonly #options: ResolvedOptions;

  /** Throws `INVALID_ARGUMENT` when a token would travel unencrypted to another machine. */
  constructor(url: ServiceUrl, options: ResolvedOptions) {
    if (options.token !== undefined && !url.secure && !url.loopback && !options.allowTokenOverHttp) {
      throw new ClientError(
        'INVALID_ARGUMENT',
        `the token is not sent unencrypted to ${url.href}; use https:// or set allowTokenOverHttp`,
      );
    }
    this.url = url;
    this.#options = options;
    this.#client = new Client(
      url.target,
      url.secure
        ? credentials.createSsl(
            bufferOrNull(options.tls.rootCertificates),
            bufferOrNull(options.tls.clientKey),
            bufferOrNull(options.tls.clientCertificate),
          )
        : credentials.createInsecure(),
      {
        // Room for the largest payload and its envelope; grpc-js stops at 4 MiB by default.
        'grpc.max_receive_message_length': 2 * Math.max(MAX_PAYLOAD_BYTES, options.maxPayloadBytes),
        'grpc.max_send_message_length': -1,
        // Two clients in one process share nothing, not even back-off.
        'grpc.use_local_subchannel_pool': 1,
        // A broker that restarts should be found about as fast as our own retries look for it.
        'grpc.initial_reconnect_backoff_ms': 100,
        'grpc.max_reconnect_backoff_ms': 1_000,
      },
    );
  }

  /** One request, one answer. Rejects with {@link CallFailure}. */
  unary<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    route: Route,
    options: CallOptions = {},
  ): Promise<Response> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      let cancelled = false;
      let headers = false;
      const proxied = isProxied(route);
      if (signal?.aborted) {
        const error = { code: status.CANCELLED, details: 'cancelled before it was sent' };
        reject(new CallFailure(error, { sent: false, answered: false, proxied, cancelled: true }));
        return;
      }
      const deadline = Date.now() + (options.timeoutMs ?? this.#options.requestTimeoutMs);
      const call = this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        this.#metadata(route),
        { deadline },
        (error, response) => {
          signal?.removeEventListener('abort', cancel);
          if (error === null && response !== undefined) return resolve(response);
          const failed = error ?? { code: status.INTERNAL, details: 'an empty answer' };
          const answered = headers || isGrpcAnswer(error?.metadata);
          // Until a call is given to a connection, its peer is the channel's own target.
          const sent = answered || call.getPeer() !== this.#client.getChannel().getTarget();
          reject(new CallFailure(failed, { sent, answered, proxied, cancelled }));
        },
      );
      call.on('metadata', () => {
        headers = true;
      });
      const cancel = () => {
        cancelled = true;
        call.cancel();
      };
      signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  /** One request, a stream of answers, without a deadline. */
  serverStream<Request, Response>(
    method: ServerStreamMethod<Request, Response>,
    request: Request,
    route: Route,
  ): IncomingStream<Response> {
    let cancelled = false;
    const stream = this.#client.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      this.#metadata(route),
    );
    return {
      stream,
      failure: (error) =>
        new CallFailure(error, { sent: true, answered: true, proxied: isProxied(route), cancelled }),
      cancel: () => {
        cancelled = true;
        stream.cancel();
      },
    };
  }

  /** Ends every call on this connection and closes it. */
  close(): void {
    this.#client.close();
  }

  #metadata(route: Route): Metadata {
    const metadata = new Metadata();
    const token = this.#options.token?.();
    if (token !== undefined && token !== '') metadata.set(AUTHORIZATION_METADATA, `Bearer ${token}`);
    if (route.proxiedBrokerUrl !== undefined) metadata.set(BROKER_URL_METADATA, route.proxiedBrokerUrl);
    return metadata;
  }
}

function isProxied(route: Route): boolean {
  return route.proxiedBrokerUrl !== undefined;
}

function bufferOrNull(bytes: Uint8Array | undefined): Buffer | null {
  return bytes === undefined ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
