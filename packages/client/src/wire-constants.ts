/** The gRPC port of a Danube broker when a URL names none. */
export const DEFAULT_PORT = 6650;

/** The largest payload the protocol's reference broker accepts: 10 MiB. */
export const MAX_PAYLOAD_BYTES = 10 * 1024 * 1024;

/**
 * The gRPC message limit both peers should set (`grpc.max_receive_message_length`): grpc-js refuses above 4 MiB
 * by default, which is less than a payload may be. Twice the payload limit, so that an oversized message still
 * reaches the broker's own check and gets its sentence instead of a transport error.
 */
export const MAX_WIRE_MESSAGE_BYTES = 2 * MAX_PAYLOAD_BYTES;

/** How often a producer or consumer asks {@link healthCheckService}, in milliseconds. */
export const HEALTH_CHECK_INTERVAL_MS = 5_000;

/** Metadata key that carries `Bearer <token>`. */
export const AUTHORIZATION_METADATA = 'authorization';

/** Metadata key that carries the broker's URL on every call when a lookup answered `proxy: true`. */
export const BROKER_URL_METADATA = 'x-danube-broker-url';
