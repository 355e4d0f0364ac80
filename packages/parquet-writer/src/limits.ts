/** The most raw bytes one row may have: what reaches the wasm heap in one piece never exceeds it. */
export const MAX_ROW_BYTES = 32 * 1024 * 1024;

/** The most rows of a row group, whatever their size. */
export const MAX_ROW_GROUP_ROWS = 1_048_576;

/** The most raw bytes a row group may be asked to have. */
export const MAX_ROW_GROUP_BYTES = 32 * 1024 * 1024;

/** Row groups by default: what a reader has to hold for one. */
export const DEFAULT_ROW_GROUP_BYTES = 16 * 1024 * 1024;

/** Data pages by default: what a seek through the offset index reads per column. */
export const DEFAULT_PAGE_BYTES = 1024 * 1024;

/** The wasm heap at which a worker is replaced by default. */
export const DEFAULT_MAX_WASM_HEAP_BYTES = 256 * 1024 * 1024;
