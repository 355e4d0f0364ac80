package danube.judge;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.DeleteFile;
import org.apache.iceberg.EntryVisitor;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.HasTableOperations;
import org.apache.iceberg.IcebergBuild;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.MetadataColumns;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableMetadataParser;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.TableScan;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetReaders;
import org.apache.iceberg.expressions.Expression;
import org.apache.iceberg.expressions.ExpressionParser;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.mapping.NameMapping;
import org.apache.iceberg.mapping.NameMappingParser;
import org.apache.iceberg.parquet.Parquet;
import org.apache.iceberg.types.Types;
import org.apache.iceberg.util.SnapshotUtil;

/** What Iceberg sees in a table: its metadata, its manifests, the files a scan needs, its rows. */
final class Reads {
  private Reads() {}

  static JsonNode versions() {
    return Json.object().put("iceberg", IcebergBuild.version()).put("java", System.getProperty("java.version"));
  }

  static ObjectNode table(Table table) {
    TableMetadata metadata = ((HasTableOperations) (BaseTable) table).operations().current();
    Snapshot current = table.currentSnapshot();
    ObjectNode out = Json.object().put("metadataLocation", metadata.metadataFileLocation());
    out.put("snapshotId", current == null ? null : String.valueOf(current.snapshotId()));
    // As text, so that a reader need not know which of its numbers have 64 bits.
    out.put("metadata", TableMetadataParser.toJson(metadata));
    return out;
  }

  private static Long snapshotId(Table table, JsonNode request) {
    if (request.hasNonNull("snapshotId")) return request.get("snapshotId").asLong();
    if (request.hasNonNull("ref")) return table.snapshot(Json.text(request, "ref")).snapshotId();
    return null;
  }

  /** At {@code snapshotId} with the schema of then, at {@code ref} with the one Iceberg chooses for the ref. */
  private static Schema schema(Table table, JsonNode request) {
    if (request.hasNonNull("snapshotId")) return SnapshotUtil.schemaFor(table, snapshotId(table, request));
    return request.hasNonNull("ref") ? SnapshotUtil.schemaFor(table, Json.text(request, "ref")) : table.schema();
  }

  /** Rows whose column has a value in the printed form: {@code equal: {column, value}}. */
  private static Expression equal(Table table, JsonNode equal) {
    String column = Json.text(equal, "column");
    return Expressions.equal(column, Evolution.literalOf(table.schema().findType(column), equal.get("value")).value());
  }

  /** Optionally {@code columns} (metadata columns too), {@code filter}, {@code equal}, {@code snapshotId} or {@code ref}. */
  static JsonNode rows(Table table, JsonNode request) throws IOException {
    Schema schema = schema(table, request);
    if (request.hasNonNull("columns")) {
      List<Types.NestedField> fields = new ArrayList<>();
      for (String name : Json.texts(request, "columns")) {
        boolean virtual = MetadataColumns.isMetadataColumn(name);
        fields.add(virtual ? MetadataColumns.metadataColumn(table, name) : schema.findField(name));
      }
      schema = new Schema(fields);
    }
    IcebergGenerics.ScanBuilder scan = IcebergGenerics.read(table).project(schema);
    Long id = snapshotId(table, request);
    if (id != null) scan = scan.useSnapshot(id);
    if (request.hasNonNull("filter")) scan = scan.where(ExpressionParser.fromJson(request.get("filter")));
    if (request.hasNonNull("equal")) scan = scan.where(equal(table, request.get("equal")));
    if (table.properties().containsKey(TableProperties.DEFAULT_NAME_MAPPING)) return mapped(table, schema, id);
    ArrayNode rows = Json.array();
    try (CloseableIterable<Record> records = scan.build()) {
      for (Record record : records) rows.add(Values.printStruct(schema.asStruct(), record));
    }
    return rows;
  }

  /** IcebergGenerics (1.12.0) leaves the table's name mapping out: here each file is read with it, without deletes. */
  private static JsonNode mapped(Table table, Schema schema, Long snapshotId) throws IOException {
    NameMapping mapping = NameMappingParser.fromJson(table.properties().get(TableProperties.DEFAULT_NAME_MAPPING));
    ArrayNode rows = Json.array();
    TableScan scan = snapshotId == null ? table.newScan() : table.newScan().useSnapshot(snapshotId);
    try (CloseableIterable<FileScanTask> tasks = scan.planFiles()) {
      for (FileScanTask task : tasks) {
        if (!task.deletes().isEmpty()) throw new UnsupportedOperationException("name mapping with deletes");
        Parquet.ReadBuilder builder =
            Parquet.read(table.io().newInputFile(task.file().location()))
                .project(schema)
                .withNameMapping(mapping)
                .createReaderFunc(file -> GenericParquetReaders.buildReader(schema, file));
        try (CloseableIterable<Record> records = builder.build()) {
          for (Record record : records) rows.add(Values.printStruct(schema.asStruct(), record));
        }
      }
    }
    return rows;
  }

  static JsonNode plan(Table table, JsonNode request) throws IOException {
    TableScan scan = table.newScan();
    Long id = snapshotId(table, request);
    if (id != null) scan = scan.useSnapshot(id);
    if (request.hasNonNull("filter")) scan = scan.filter(ExpressionParser.fromJson(request.get("filter")));
    ArrayNode out = Json.array();
    try (CloseableIterable<FileScanTask> tasks = scan.planFiles()) {
      for (FileScanTask task : tasks) {
        ObjectNode planned = out.addObject().put("path", task.file().location());
        planned.put("residual", ExpressionParser.toJson(task.residual()));
        ArrayNode deletes = planned.putArray("deletes");
        for (DeleteFile delete : task.deletes()) deletes.add(Session.key(delete));
      }
    }
    return out;
  }

  static JsonNode manifests(Table table, JsonNode request) throws IOException {
    Long id = snapshotId(table, request);
    Snapshot snapshot = id == null ? table.currentSnapshot() : table.snapshot(id);
    ArrayNode out = Json.array();
    if (snapshot == null) return out;
    for (ManifestFile manifest : snapshot.allManifests(table.io())) {
      ObjectNode described = ManifestJson.manifest(table, manifest);
      ArrayNode entries = described.putArray("entries");
      EntryVisitor.each(
          manifest,
          table.io(),
          table.specs(),
          (status, snapshotId, sequence, fileSequence, file) ->
              entries.add(ManifestJson.entry(table, status, snapshotId, sequence, fileSequence, file)));
      out.add(described);
    }
    return out;
  }
}
