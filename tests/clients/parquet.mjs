// Reads a Parquet file: parquet.mjs FILE; prints {columns: [{name, type, logical, required}], rows: [...]} as JSON.
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";

const file = await asyncBufferFromFile(process.argv[2]);
const metadata = await parquetMetadataAsync(file);
const columns = metadata.schema.slice(1).map((c) => ({
  name: c.name,
  type: c.type,
  logical: c.logical_type?.type ?? c.converted_type ?? null,
  scale: c.scale ?? null,
  required: c.repetition_type === "REQUIRED",
}));
const rows = await parquetReadObjects({ file, metadata });
console.log(JSON.stringify({ columns, rows }, (_, value) => (typeof value === "bigint" ? value.toString() : value)));
