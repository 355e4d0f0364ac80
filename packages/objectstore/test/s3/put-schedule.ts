import type { ServerResponse } from 'node:http';
import { ObjectStoreError } from '../../src/errors.ts';
import type { PutOptions, PutResult } from '../../src/object-store.ts';
import type { S3Connection } from '../../src/s3/connection/s3-connection.ts';
import { putObject } from '../../src/s3/write/put-object.ts';
import { answerOf, type DoubleRequest, etagOf, KeyDouble, reply } from '../support/s3-double.ts';

/** Numbers in [0, 1) that follow from a seed (mulberry32). */
function lotOf(seed: number): () => number {
  let state = seed * 0x9e3779b1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const FATES = [
  'never arrives',
  'reply lost',
  'late',
  'error',
  'executed, then an error',
  'error, executed later',
  'slow down',
  'conflict',
  'twice',
  'answered by a portal',
  'keys refused',
] as const;

interface Writer {
  readonly body: string;
  readonly options: PutOptions;
  readonly caller: AbortController;
  /** How often its body became visible before it was told its outcome. */
  visibleBefore: number;
  /** Whether its body was visible when it was told. */
  visibleThen: boolean;
  code: string;
  /** Whether somebody on the way sent a request of it twice. */
  doubled: boolean;
  result?: PutResult;
}

/** The puts of some writers to one key, and what befalls their requests. */
export class Schedule {
  readonly key: string;
  readonly double: KeyDouble;
  readonly log: string[] = [];
  readonly writers: Writer[] = [];
  readonly #lot: () => number;
  readonly #late: { request: DoubleRequest; after: number }[] = [];
  #faultsLeft: number;
  readonly #faultProbability: number;
  /** Few at a time, so that they meet. */
  readonly #fates: readonly (typeof FATES)[number][];
  #heads = 0;
  #sentTwice = false;
  #others = 0;
  /** Whether objects are only ever created, as keys of `ifAbsent` are used; else they are replaced and deleted. */
  readonly #createOnly: boolean;
  #connection: S3Connection | undefined;
  #closes = false;
  #closed = false;
  /** The uploads whose id reached their writer. */
  readonly #known = new Set<string | null>();

  constructor(seed: number) {
    this.key = `s${seed}`;
    this.#lot = lotOf(seed);
    this.double = new KeyDouble({ conditionFirst: this.chance(0.5), completesAgain: this.chance(0.3) });
    this.#createOnly = this.chance(0.5);
    this.#faultsLeft = 1 + Math.floor(this.#lot() * 8);
    this.#faultProbability = 0.2 + 0.7 * this.#lot();
    this.#fates = Array.from({ length: 1 + Math.floor(this.#lot() * 4) }, () => this.pick(FATES));
  }

  chance(probability: number): boolean {
    return this.#lot() < probability;
  }

  pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.#lot() * values.length)] as T;
  }

  /** Runs the puts to their end, and delivers what is late after it. `closes`: the connection may be closed. */
  async run(connection: S3Connection, closes: boolean): Promise<void> {
    this.#connection = connection;
    this.#closes = closes;
    if (this.chance(this.#createOnly ? 0.1 : 0.7)) this.double.write('original');
    const original = etagOf('original').slice(1, -1);
    const count = 1 + Math.floor(this.#lot() * 3);
    const running: Promise<void>[] = [];
    for (let n = 0; n < count; n += 1) {
      const options = this.#createOnly ? { ifAbsent: true } : this.pick([{}, { ifMatch: original }]);
      // Of three bytes a part.
      const body = this.chance(0.5) ? `w${n}` : `writer ${n}`;
      running.push(this.#put(body, options));
    }
    await Promise.all(running);
    for (const { request } of this.#late.splice(0)) this.#execute(request, 'late, at the end');
  }

  async #put(body: string, options: PutOptions): Promise<void> {
    const caller = new AbortController();
    const writer: Writer = {
      body,
      options: { ...options, signal: caller.signal },
      caller,
      visibleBefore: 0,
      visibleThen: false,
      code: '',
      doubled: false,
    };
    this.writers.push(writer);
    try {
      const connection = this.#connection as S3Connection;
      writer.result = await putObject(connection, this.key, Buffer.from(body), writer.options);
      writer.code = 'done';
    } catch (error) {
      if (!ObjectStoreError.is(error)) throw error;
      writer.code = error.code;
      this.log.push(`${body}: ${error.message} <- ${(error.cause as Error | undefined)?.message}`);
    }
    writer.visibleBefore = this.double.history.filter((seen) => seen === body).length;
    writer.visibleThen = this.double.history.at(-1) === body;
    this.log.push(`${body} is told ${writer.code}`);
  }

  #execute(request: DoubleRequest, how: string) {
    const answer = this.double.execute(request);
    const named = request.kind === 'put' ? `put ${request.body}` : `${request.kind} ${request.query}`;
    this.log.push(`${named} (${how}): ${answer.status}, there is ${this.double.history.at(-1)}`);
    return answer;
  }

  serve(request: DoubleRequest, response: ServerResponse): void {
    this.#bystanders();
    for (const late of this.#late.splice(0)) {
      if (late.after <= 0) this.#execute(late.request, 'late');
      else this.#late.push({ ...late, after: late.after - 1 });
    }
    if (request.kind === 'part') this.#known.add(request.query.get('uploadId'));
    const fate = this.#fateOf(request);
    const lose = () => void response.destroy();
    const later = () => void this.#late.push({ request, after: Math.floor(this.#lot() * 8) });
    if (fate === 'never arrives' || fate === 'late') {
      this.log.push(`${request.kind} ${fate}`);
      if (fate === 'late') later();
      lose();
    } else if (fate === 'reply lost') {
      this.#execute(request, fate);
      this.#bystanders();
      lose();
    } else if (fate === 'error' || fate === 'error, executed later') {
      if (fate !== 'error') later();
      this.log.push(`${request.kind} ${fate}`);
      reply(response, answerOf(this.pick([500, 503]), 'InternalError'));
    } else if (fate === 'executed, then an error') {
      this.#execute(request, fate);
      reply(response, answerOf(500, 'InternalError'));
    } else if (fate === 'slow down') reply(response, answerOf(503, 'SlowDown'));
    else if (fate === 'conflict') reply(response, answerOf(409, 'ConditionalRequestConflict'));
    else if (fate === 'keys refused') reply(response, answerOf(403, 'ExpiredToken'));
    else if (fate === 'answered by a portal') reply(response, { status: 200, body: '<html>Log in</html>' });
    else {
      if (fate === 'twice') this.#sendTwice(request);
      reply(response, this.#execute(request, fate));
      this.#bystanders();
    }
  }

  /** Only who is looked for at once is found to have won, so nothing else goes wrong. */
  #sendTwice(request: DoubleRequest): void {
    this.#faultsLeft = 0;
    this.#sentTwice = true;
    for (const writer of this.writers) writer.doubled = true;
    this.#execute(request, 'twice');
  }

  #fateOf({ kind }: DoubleRequest): (typeof FATES)[number] | 'done' {
    if (kind === 'head') this.#heads += 1;
    if (this.#faultsLeft === 0 || !this.chance(this.#faultProbability)) return 'done';
    this.#faultsLeft -= 1;
    return this.pick(this.#fates);
  }

  /** What others do meanwhile. */
  #bystanders(): void {
    const there = this.double.etag !== undefined;
    if (this.chance(0.12) && !(this.#createOnly && there)) {
      this.#others += 1;
      const body = this.#createOnly ? 'other' : this.pick([`other ${this.#others}`, 'original', undefined]);
      this.double.write(body);
      this.log.push(`others: ${body}`);
    }
    if (this.chance(0.03) && !this.#sentTwice) {
      const writer = this.pick(this.writers);
      this.log.push(`${writer.body} gives up`);
      writer.caller.abort();
    }
    if (this.#closes && this.chance(0.1) && !this.#sentTwice) {
      this.#closed = true;
      this.log.push('closed');
      this.#connection?.close();
    }
    // Nobody waits for what is never there.
    if (this.#heads > 3) {
      this.#heads = 0;
      if (!there) this.double.write('for those who look');
    }
  }

  /** The uploads that a writer should have aborted, where it could. */
  leftBehind(): string[] {
    const hopeless = this.#fates.some((fate) => fate === 'keys refused' || fate === 'answered by a portal');
    if (hopeless || this.#closed) return [];
    return [...this.double.uploads.keys()].filter((id) => this.#known.has(id));
  }

  /** What is wrong with what the writers were told. */
  lies(): string[] {
    return this.writers.flatMap(({ body, code, result, visibleBefore, visibleThen, doubled }) => {
      if (code === 'done') {
        if (visibleBefore === 0) return [`${body}: success, but never visible`];
        return `"${result?.etag}"` === etagOf(body) ? [] : [`${body}: success with another etag`];
      }
      if (code === 'PUT_STATE_UNKNOWN') return [];
      const after = this.double.history.filter((seen) => seen === body).length - visibleBefore;
      if (visibleThen) return [`${body}: ${code}, but visible`];
      if (after > 0) return [`${body}: ${code}, but visible later`];
      if (visibleBefore > 0 && !doubled) return [`${body}: ${code}, but was visible before`];
      return [];
    });
  }
}
