import { Readable } from 'node:stream';
import { ObjectStoreError } from '../../errors.ts';
import { brokenOff, damaged, idleError } from '../answer-errors.ts';
import type { S3Connection } from '../connection/s3-connection.ts';
import { type OpenBody, openBody } from './get-request.ts';

/** So much new data makes a broken connection forgiven: the next break starts with all attempts again. */
const PROGRESS_BYTES = 1024 * 1024;
/** A break after a wait of the reader for so long may be due to it: servers give up connections that stand still. */
const LONG_WAIT_MS = 1000;
/** That of the call policy. */
const DEFAULT_ATTEMPTS = 5;

/**
 * The body of an object as a stream that goes on where it broke off: with another request for the rest of the same
 * version, after the wait and with the attempts of the call policy, to which the break is a failed attempt. It fails only
 * when these are used up without progress, or the version is gone.
 *
 * Nothing is read ahead of the reader but the usual buffers. A reader that waits may wait for as long as it likes, though the
 * server gives the connection up meanwhile; the server may not.
 */
export class BodyStream extends Readable {
  readonly #connection: S3Connection;
  readonly #key: string;
  readonly #maxAttempts: number;
  readonly #opened: OpenBody;
  readonly #ended = new AbortController();
  #source: Readable | undefined;
  #idle: NodeJS.Timeout | undefined;
  /** Where the next byte is in the object. */
  #at: number;
  #breaks = 0;
  #brokeAt: number;
  /** Since when the source waits for the reader, and whether it has done so for long. */
  #waitsSinceMs: number | undefined;
  #hasWaited = false;
  /** A break that is dealt with when the reader has taken what it has. */
  #broken: { readonly cause: unknown; readonly sinceMs: number } | undefined;

  constructor(connection: S3Connection, key: string, opened: OpenBody) {
    super();
    this.#connection = connection;
    this.#key = key;
    this.#maxAttempts = connection.options.resilience.retry?.maxAttempts ?? DEFAULT_ATTEMPTS;
    this.#opened = opened;
    this.#at = opened.range.start;
    this.#brokeAt = this.#at;
    this.#attach(opened.body);
  }

  override read(size?: number): unknown {
    const chunk = super.read(size) as unknown;
    const broken = this.#broken;
    if (broken !== undefined && size !== 0 && (chunk === null || this.readableLength === 0)) {
      this.#broken = undefined;
      this.#noteWait(broken.sinceMs);
      this.#goOn(broken.cause);
    }
    return chunk;
  }

  override _read(): void {
    this.#noteWait(this.#waitsSinceMs);
    this.#waitsSinceMs = undefined;
    this.#source?.resume();
    this.#idle?.refresh();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#ended.abort();
    this.#detach();
    callback(error);
  }

  #attach(source: Readable): void {
    this.#source = source;
    const broke = (error: unknown) => {
      if (this.#source === source) this.#resume(error);
    };
    source.on('data', (chunk: Buffer) => this.#take(chunk));
    source.on('end', () => {
      if (this.#source === source) this.#end();
    });
    source.on('error', broke);
    source.on('close', () => broke(undefined));
    source.pause();
    const limitMs = this.#connection.options.requestTimeoutMs;
    this.#idle = setInterval(() => {
      // A source that is paused waits for the reader.
      if (!source.isPaused()) broke(idleError(this.#connection, this.#key, limitMs));
    }, limitMs).unref();
    if (this.readableLength < this.readableHighWaterMark) source.resume();
  }

  #detach(): void {
    clearInterval(this.#idle);
    const source = this.#source;
    this.#source = undefined;
    source?.on('error', () => {});
    source?.destroy();
  }

  #take(chunk: Buffer): void {
    this.#idle?.refresh();
    this.#at += chunk.byteLength;
    this.#opened.check?.update(chunk);
    if (this.push(chunk)) return;
    this.#source?.pause();
    this.#waitsSinceMs = performance.now();
  }

  #end(): void {
    if (this.#at !== this.#opened.range.endExclusive) {
      this.#resume(undefined);
      return;
    }
    this.#detach();
    if (this.#opened.check?.matches() === false) this.destroy(damaged(this.#connection, this.#key));
    else this.push(null);
  }

  #resume(cause: unknown): void {
    if (this.#at === this.#opened.range.endExclusive) {
      // Nothing is missing but the end itself.
      this.#end();
      return;
    }
    this.#detach();
    if (this.readableLength === 0) this.#goOn(cause);
    else this.#broken = { cause, sinceMs: performance.now() };
  }

  #noteWait(sinceMs: number | undefined): void {
    if (sinceMs !== undefined && performance.now() - sinceMs >= LONG_WAIT_MS) this.#hasWaited = true;
  }

  #goOn(cause: unknown): void {
    if (this.destroyed) return;
    const progress = this.#at - this.#brokeAt;
    const isOurs = this.#hasWaited && progress > 0;
    this.#hasWaited = false;
    if (isOurs || progress >= PROGRESS_BYTES) this.#breaks = 0;
    this.#brokeAt = this.#at;
    if (!isOurs) this.#breaks += 1;
    this.#reopen(isOurs ? undefined : (cause ?? brokenOff())).then(
      (next) => {
        if (this.destroyed) next.body.destroy();
        else this.#attach(next.body);
      },
      (error: Error) => {
        // Closing the store is the caller's own doing: it ends no process in which nobody reads the stream yet.
        if (ObjectStoreError.is(error) && error.code === 'CLOSED') this.on('error', () => {});
        this.destroy(error);
      },
    );
  }

  /**
   * As one call, whose first attempt is the one that just failed: so it waits, counts and is seen as any other. Without
   * a cause nothing has failed but the patience of the server.
   */
  #reopen(cause: unknown): Promise<OpenBody> {
    const { meta, range } = this.#opened;
    const call = {
      operation: 'getStream',
      key: this.#key,
      signal: this.#ended.signal,
      retry: 'when-safe-to-repeat',
      maxAttempts: this.#breaks < this.#maxAttempts ? this.#maxAttempts : 1,
    } as const;
    return this.#connection.attempts(call, async (attempt) => {
      if (attempt.number === 1 && cause !== undefined) throw cause;
      const rest = { start: this.#at, endExclusive: range.endExclusive };
      return openBody(this.#connection, attempt, this.#key, { range: rest, ifMatch: meta.etag });
    });
  }
}
