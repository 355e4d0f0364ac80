package danube.judge;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.iceberg.ContentFile;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.DeleteFile;
import org.apache.iceberg.FileContent;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.MetadataColumns;
import org.apache.iceberg.Metrics;
import org.apache.iceberg.MetricsConfig;
import org.apache.iceberg.PartitionKey;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.StructLike;
import org.apache.iceberg.Table;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.data.BaseDeleteLoader;
import org.apache.iceberg.data.InternalRecordWrapper;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetWriter;
import org.apache.iceberg.deletes.BaseDVFileWriter;
import org.apache.iceberg.deletes.EqualityDeleteWriter;
import org.apache.iceberg.deletes.PositionDelete;
import org.apache.iceberg.deletes.PositionDeleteIndex;
import org.apache.iceberg.deletes.PositionDeleteWriter;
import org.apache.iceberg.io.DataWriter;
import org.apache.iceberg.io.DeleteWriteResult;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.io.OutputFileFactory;
import org.apache.iceberg.mapping.NameMappingParser;
import org.apache.iceberg.parquet.Parquet;
import org.apache.iceberg.parquet.ParquetUtil;
import org.apache.iceberg.types.TypeUtil;
import org.apache.iceberg.types.Types;
import org.apache.iceberg.util.ContentFileUtil;

/** Writes data and delete files with Iceberg's generic writers, one file for each partition that rows fall into. */
final class Writers {
  private Writers() {}

  /**
   * {@code rows}, and optionally {@code specId}, {@code lineage} (rows carry _row_id and its companion), {@code set}
   * (properties of the writer), {@code flat} (no folder for each partition).
   */
  static JsonNode data(Session session, JsonNode request) throws IOException {
    Table table = session.table(request);
    Schema schema = table.schema();
    if (request.path("lineage").asBoolean()) schema = MetadataColumns.schemaWithRowLineage(schema);
    PartitionSpec spec = spec(table, request);
    boolean flat = request.path("flat").asBoolean();
    ArrayNode out = Json.array();
    for (Map.Entry<PartitionKey, List<Record>> group : groups(spec, schema, request).entrySet()) {
      DataWriter<Record> writer =
          Parquet.writeData(output(table, spec, flat ? null : group.getKey(), "data"))
              .forTable(table)
              .schema(schema)
              .setAll(Json.strings(request, "set"))
              .createWriterFunc(GenericParquetWriter::create)
              .withSpec(spec)
              .withPartition(group.getKey())
              .withSortOrder(table.sortOrder())
              .build();
      try (writer) {
        writer.write(group.getValue());
      }
      out.add(session.remember(writer.toDataFile()));
    }
    return out;
  }

  /** {@code rows} of {@code columns}; partitioned by the spec unless {@code specId} names an unpartitioned one. */
  static JsonNode equalityDeletes(Session session, JsonNode request) throws IOException {
    Table table = session.table(request);
    PartitionSpec spec = spec(table, request);
    List<String> names = Json.texts(request, "columns");
    int[] ids = names.stream().mapToInt(name -> table.schema().findField(name).fieldId()).toArray();
    Schema schema = TypeUtil.select(table.schema(), new java.util.HashSet<>(boxed(ids)));
    ArrayNode out = Json.array();
    // Rows may be whole ones: the partition is found from all their columns.
    for (Map.Entry<PartitionKey, List<Record>> group : groups(spec, table.schema(), request).entrySet()) {
      EqualityDeleteWriter<Record> writer =
          Parquet.writeDeletes(output(table, spec, group.getKey(), "equality-deletes"))
              .forTable(table)
              .rowSchema(schema)
              .createWriterFunc(GenericParquetWriter::create)
              .equalityFieldIds(ids)
              .withSpec(spec)
              .withPartition(group.getKey())
              .buildEqualityWriter();
      try (writer) {
        for (Record row : group.getValue()) writer.write(narrow(schema, row));
      }
      out.add(session.remember(writer.toDeleteFile()));
    }
    return out;
  }

  private static List<Integer> boxed(int[] ids) {
    return java.util.Arrays.stream(ids).boxed().toList();
  }

  private static Record narrow(Schema schema, Record row) {
    Record out = org.apache.iceberg.data.GenericRecord.create(schema);
    for (Types.NestedField field : schema.columns()) out.setField(field.name(), row.getField(field.name()));
    return out;
  }

  /** {@code deletes}: data file key to positions. One delete file for each partition, or each file with {@code each}. */
  static JsonNode positionDeletes(Session session, JsonNode request) throws IOException {
    Table table = session.table(request);
    Map<String, Map<String, long[]>> groups = new LinkedHashMap<>();
    Map<String, DataFile> sample = new LinkedHashMap<>();
    for (Map.Entry<String, long[]> entry : positions(request).entrySet()) {
      DataFile file = session.file(table, branch(request), entry.getKey());
      String each = request.path("each").asBoolean() ? file.location() : "";
      String group = file.specId() + " " + file.partition() + " " + each;
      groups.computeIfAbsent(group, key -> new TreeMap<>()).put(file.location(), entry.getValue());
      sample.put(group, file);
    }
    ArrayNode out = Json.array();
    for (Map.Entry<String, Map<String, long[]>> group : groups.entrySet()) {
      DataFile file = sample.get(group.getKey());
      PartitionSpec spec = table.specs().get(file.specId());
      PositionDeleteWriter<Record> writer =
          Parquet.writeDeletes(output(table, spec, file.partition(), "deletes"))
              // Not `forTable`, which would ask for whole rows beside the positions.
              .metricsConfig(MetricsConfig.forPositionDelete())
              .withSpec(spec)
              .withPartition(file.partition())
              .buildPositionWriter();
      try (writer) {
        for (Map.Entry<String, long[]> entry : group.getValue().entrySet()) {
          for (long position : entry.getValue()) {
            writer.write(PositionDelete.<Record>create().set(entry.getKey(), position));
          }
        }
      }
      out.add(session.remember(writer.toDeleteFile()));
    }
    return out;
  }

  /** {@code deletes}: data file key to positions, or to [from, toExclusive] pairs with {@code ranges}. */
  static JsonNode deletionVectors(Session session, JsonNode request) throws IOException {
    Table table = session.table(request);
    Map<String, ContentFile<?>> live = Session.live(table, table.snapshot(branch(request)));
    BaseDeleteLoader loader = new BaseDeleteLoader(file -> table.io().newInputFile(file.location()));
    OutputFileFactory files = OutputFileFactory.builderFor(table, 1, 1).format(FileFormat.PUFFIN).build();
    BaseDVFileWriter writer = new BaseDVFileWriter(files, path -> previous(loader, live, path));
    try (writer) {
      for (Map.Entry<String, long[]> entry : positions(request).entrySet()) {
        DataFile file = session.file(table, branch(request), entry.getKey());
        PartitionSpec spec = table.specs().get(file.specId());
        for (long position : entry.getValue()) writer.delete(file.location(), position, spec, file.partition());
      }
    }
    DeleteWriteResult result = writer.result();
    ObjectNode out = Json.object();
    ArrayNode added = out.putArray("files");
    for (DeleteFile file : result.deleteFiles()) added.add(session.remember(file));
    ArrayNode replaced = out.putArray("replaced");
    for (DeleteFile file : result.rewrittenDeleteFiles()) replaced.add(session.remember(file));
    return out;
  }

  /** What is deleted of a file by now: by its vector, or by position delete files, which may cover other files too. */
  private static PositionDeleteIndex previous(
      BaseDeleteLoader loader, Map<String, ContentFile<?>> live, String path) {
    ContentFile<?> data = live.get(path);
    List<DeleteFile> deletes = new ArrayList<>();
    for (ContentFile<?> file : live.values()) {
      if (!(file instanceof DeleteFile delete) || delete.content() != FileContent.POSITION_DELETES) continue;
      CharSequence target = ContentFileUtil.referencedDataFile(delete);
      boolean samePartition = file.specId() == data.specId() && file.partition().equals(data.partition());
      if (target == null ? samePartition : target.toString().equals(path)) deletes.add(delete);
    }
    List<DeleteFile> vectors = deletes.stream().filter(ContentFileUtil::isDV).toList();
    List<DeleteFile> inForce = vectors.isEmpty() ? deletes : vectors;
    return inForce.isEmpty() ? null : loader.loadPositionDeletes(inForce, path);
  }

  /** A Parquet file that somebody else wrote at {@code path}, in {@code partition} (as a folder path). */
  static JsonNode describe(Session session, JsonNode request) {
    Table table = session.table(request);
    String mapping = table.properties().get(TableProperties.DEFAULT_NAME_MAPPING);
    var input = table.io().newInputFile(Json.text(request, "path"));
    Metrics metrics =
        ParquetUtil.fileMetrics(
            input, MetricsConfig.forTable(table), mapping == null ? null : NameMappingParser.fromJson(mapping));
    DataFiles.Builder builder =
        DataFiles.builder(spec(table, request))
            .withPath(input.location())
            .withFormat(FileFormat.PARQUET)
            .withFileSizeInBytes(input.getLength())
            .withMetrics(metrics);
    if (request.hasNonNull("partition")) builder.withPartitionPath(Json.text(request, "partition"));
    return Json.array().add(session.remember(builder.build()));
  }

  private static String branch(JsonNode request) {
    return Json.text(request, "branch", "main");
  }

  private static PartitionSpec spec(Table table, JsonNode request) {
    return request.hasNonNull("specId") ? table.specs().get(request.get("specId").asInt()) : table.spec();
  }

  private static OutputFile output(Table table, PartitionSpec spec, StructLike partition, String kind) {
    String name = kind + "-" + UUID.randomUUID().toString().substring(0, 8) + ".parquet";
    String location =
        spec.isUnpartitioned() || partition == null
            ? table.locationProvider().newDataLocation(name)
            : table.locationProvider().newDataLocation(spec, partition, name);
    return table.io().newOutputFile(location);
  }

  private static Map<PartitionKey, List<Record>> groups(PartitionSpec spec, Schema schema, JsonNode request) {
    Map<PartitionKey, List<Record>> groups = new LinkedHashMap<>();
    PartitionKey key = new PartitionKey(spec, schema);
    InternalRecordWrapper wrapper = new InternalRecordWrapper(schema.asStruct());
    for (JsonNode row : Json.need(request, "rows")) {
      Record record = Values.record(schema.asStruct(), row);
      key.partition(wrapper.wrap(record));
      groups.computeIfAbsent(key.copy(), ignored -> new ArrayList<>()).add(record);
    }
    return groups;
  }

  private static Map<String, long[]> positions(JsonNode request) {
    Map<String, long[]> out = new LinkedHashMap<>();
    Json.need(request, "deletes")
        .fields()
        .forEachRemaining(entry -> out.put(entry.getKey(), expand(request, entry.getValue())));
    return out;
  }

  private static long[] expand(JsonNode request, JsonNode positions) {
    java.util.stream.LongStream.Builder all = java.util.stream.LongStream.builder();
    for (JsonNode item : positions) {
      if (!item.isArray()) all.add(item.asLong());
      else for (long at = item.get(0).asLong(); at < item.get(1).asLong(); at += 1) all.add(at);
    }
    return all.build().toArray();
  }
}
