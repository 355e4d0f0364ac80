import { z } from 'zod';

const port = z.int().min(0).max(65_535);
const bytes = (min: number, max: number) => z.int().min(min).max(max);
const milliseconds = (min: number, max: number) => z.int().min(min).max(max);
const text = z.string().min(1);
const httpUrl = z.string().regex(/^https?:\/\/[^\s/]+$/, 'expected a URL such as http://broker.example:6650');

const MIB = 1024 * 1024;

/** Named as Iceberg's clients name these properties, with underscores. */
const catalog = z.strictObject({
  type: z.enum(['sql', 'rest', 'glue']).optional(),
  uri: text.optional(),
  name: text.optional(),
  warehouse: text.optional(),
  database: text.optional(),
  token: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'expected a token without spaces')
    .optional(),
  credential: z
    .string()
    .regex(/^[^:]+:./s, 'expected id:secret')
    .optional(),
  oauth2_server_uri: text.optional(),
  scope: z.string().optional(),
  prefix: z
    .string()
    .regex(/^[^?#\s]+$/, 'expected a path, percent-encoded')
    .optional(),
  headers: z
    .record(
      z.string(),
      z.string().regex(/^[\t\x20-\x7e\x80-\xff]+$/, 'expected a text that a header can have'),
    )
    .optional(),
  signing_region: z
    .string()
    .regex(/^[a-z0-9-]+$/, 'expected the name of a region')
    .optional(),
  signing_name: text.optional(),
  access_delegation: z.enum(['vended-credentials']).optional(),
});

const objectStore = z.strictObject({
  type: z.enum(['local', 'memory', 's3']).optional(),
  root: text.optional(),
  bucket: text.optional(),
  region: text.optional(),
  endpoint: text.optional(),
  path_style: z.boolean().optional(),
  access_key_id: text.optional(),
  secret_access_key: text.optional(),
  session_token: text.optional(),
});

const wal = z.strictObject({
  base_path: text.optional(),
  max_file_size: bytes(MIB, 1024 * MIB).optional(),
  sync_mode: z.enum(['always', 'periodic', 'none']).optional(),
  sync_interval_ms: milliseconds(1, 60_000).optional(),
});

const flush = z.strictObject({
  max_bytes: bytes(64 * 1024, 1024 * MIB).optional(),
  max_age_ms: milliseconds(50, 86_400_000).optional(),
});

const storage = z.strictObject({
  type: z.enum(['iceberg']).optional(),
  iceberg_config: z
    .strictObject({
      catalog: catalog.optional(),
      object_store: objectStore.optional(),
      wal: wal.optional(),
      flush: flush.optional(),
      warehouse: text.optional(),
    })
    .optional(),
});

/**
 * The configuration file, key for key; everything is optional. It knows also what this version refuses (the glue
 * catalog, a store in memory), so that such a file is answered with a sentence instead of "unknown key".
 * Ranges that depend on one key live here, rules across keys in `resolve-config.ts`.
 */
export const configSchema = z.strictObject({
  data_dir: text.optional(),
  bootstrap_namespaces: z
    .array(z.string().regex(/^[A-Za-z0-9_-]{1,200}$/, 'expected 1 to 200 letters, digits, "_" or "-"'))
    .optional(),
  auto_create_topics: z.boolean().optional(),
  broker: z
    .strictObject({
      host: text.optional(),
      ports: z
        .strictObject({ client: port.optional(), admin: port.optional(), prometheus: port.optional() })
        .optional(),
      advertised_listeners: z
        .strictObject({ broker_url: httpUrl.optional(), connect_url: httpUrl.optional() })
        .optional(),
    })
    .optional(),
  dispatch: z
    .strictObject({
      max_unacked_messages: z.int().min(1).max(10_000).optional(),
      ack_timeout_ms: milliseconds(50, 86_400_000).optional(),
      base_redelivery_delay_ms: milliseconds(0, 3_600_000).optional(),
      max_redelivery_delay_ms: milliseconds(0, 3_600_000).optional(),
      cursor_flush_interval_ms: milliseconds(10, 5_000).optional(),
    })
    .optional(),
  policies: z.strictObject({ max_message_size: bytes(1, 64 * MIB).optional() }).optional(),
  log: z
    .strictObject({ level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).optional() })
    .optional(),
  storage: storage.optional(),
});

/** A configuration file's content after parsing; key names as in the file. */
export type ConfigFile = z.infer<typeof configSchema>;

/** The keys below `storage.iceberg_config`. */
export type IcebergConfig = NonNullable<NonNullable<ConfigFile['storage']>['iceberg_config']>;

/** Where those keys are, for messages. */
export const ICEBERG_KEY = 'storage.iceberg_config';
