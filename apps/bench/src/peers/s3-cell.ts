// What the scenario `objectstore` compares, and what a driver is asked and answers.

/** `danube`: our store. `sdk`: the bare AWS SDK. */
export const s3Contenders = ['danube', 'sdk'] as const;
export type S3Contender = (typeof s3Contenders)[number];

export const s3Operations = ['put', 'put in parts', 'get'] as const;
export type S3Operation = (typeof s3Operations)[number];

/** Where a bucket is, and as whom. */
export interface S3Target {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly bucket: string;
}

/** So many requests for objects of one size, so many of them under way at once. */
export interface S3Cell {
  readonly operation: S3Operation;
  readonly bytes: number;
  readonly outstanding: number;
  readonly requests: number;
  /** Requests before, which are not counted. */
  readonly warmUp: number;
}

export interface S3Result {
  readonly requests: number;
  readonly seconds: number;
  /** User and system time of the contender's process, all its threads; the server's is not in it. */
  readonly cpuSeconds: number;
  readonly latencyMs: { readonly p50: number; readonly p99: number };
}

/** What a driver sends back for a cell. */
export interface S3Answer {
  readonly result?: S3Result;
  /** How it failed. */
  readonly error?: string;
}
