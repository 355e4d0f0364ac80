package danube.judge;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.ContentFile;
import org.apache.iceberg.EntryVisitor;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.PartitionSpecParser;
import org.apache.iceberg.PendingUpdate;
import org.apache.iceberg.Schema;
import org.apache.iceberg.SchemaParser;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.SortOrder;
import org.apache.iceberg.SortOrderParser;
import org.apache.iceberg.StaticTableOperations;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Catalog.TableBuilder;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.jdbc.JdbcCatalog;

/**
 * What one process remembers between requests: catalogs, files written but not committed, and updates staged. A table
 * is named by {@code {"catalog": {"file", "name", "warehouse"}, "table": "ns.name"}}, or by {@code {"metadata":
 * location}} for reading only; with {@code "map": {"from", "to"}} its locations stand for others.
 */
final class Session {
  private final Map<String, JdbcCatalog> catalogs = new HashMap<>();
  private final Map<String, ContentFile<?>> written = new HashMap<>();
  final Map<String, PendingUpdate<?>> staged = new HashMap<>();

  private JdbcCatalog catalog(JsonNode request) {
    JsonNode given = Json.need(request, "catalog");
    return catalogs.computeIfAbsent(
        given + " " + request.get("map"),
        key -> {
          Map<String, String> properties = fileIoProperties(request);
          properties.put("uri", "jdbc:sqlite:" + Json.text(given, "file"));
          properties.put("warehouse", Json.text(given, "warehouse"));
          properties.put("io-impl", LocalFileIO.class.getName());
          properties.put("jdbc.schema-version", "V1");
          // One connection: SQLite has one writer.
          properties.put("clients", "1");
          properties.put("cache-enabled", "false");
          JdbcCatalog catalog = new JdbcCatalog();
          catalog.initialize(Json.text(given, "name"), properties);
          return catalog;
        });
  }

  private static Map<String, String> fileIoProperties(JsonNode request) {
    Map<String, String> properties = new HashMap<>();
    if (request.hasNonNull("map")) {
      properties.put("map.from", Json.text(request.get("map"), "from"));
      properties.put("map.to", Json.text(request.get("map"), "to"));
    }
    return properties;
  }

  private static TableIdentifier identifier(JsonNode request) {
    return TableIdentifier.parse(Json.text(request, "table"));
  }

  Table table(JsonNode request) {
    if (!request.hasNonNull("metadata")) return catalog(request).loadTable(identifier(request));
    LocalFileIO io = new LocalFileIO();
    io.initialize(fileIoProperties(request));
    String location = Json.text(request, "metadata");
    return new BaseTable(new StaticTableOperations(location, io), location);
  }

  JsonNode createTable(JsonNode request) {
    JdbcCatalog catalog = catalog(request);
    TableIdentifier identifier = identifier(request);
    Namespace namespace = identifier.namespace();
    if (!catalog.namespaceExists(namespace)) catalog.createNamespace(namespace, Map.of());
    Schema schema = SchemaParser.fromJson(Json.need(request, "schema"));
    TableBuilder builder = catalog.buildTable(identifier, schema).withProperties(Json.strings(request, "properties"));
    if (request.hasNonNull("spec")) {
      builder = builder.withPartitionSpec(PartitionSpecParser.fromJson(schema, request.get("spec")));
    }
    if (request.hasNonNull("sortOrder")) {
      SortOrder order = SortOrderParser.fromJson(schema, request.get("sortOrder"));
      builder = builder.withSortOrder(order);
    }
    if (request.hasNonNull("location")) builder = builder.withLocation(Json.text(request, "location"));
    return Reads.table(builder.create());
  }

  JsonNode registerTable(JsonNode request) {
    JdbcCatalog catalog = catalog(request);
    TableIdentifier identifier = identifier(request);
    if (!catalog.namespaceExists(identifier.namespace())) catalog.createNamespace(identifier.namespace(), Map.of());
    return Reads.table(catalog.registerTable(identifier, Json.text(request, "location")));
  }

  JsonNode dropTable(JsonNode request) {
    boolean purge = request.path("purge").asBoolean();
    return Json.object().put("dropped", catalog(request).dropTable(identifier(request), purge));
  }

  /** What a request may call the file: its path, and for a deletion vector the offset in it. */
  static String key(ContentFile<?> file) {
    boolean vector = file instanceof org.apache.iceberg.DeleteFile deletes && deletes.contentOffset() != null;
    return vector ? file.location() + "#" + ((org.apache.iceberg.DeleteFile) file).contentOffset() : file.location();
  }

  String remember(ContentFile<?> file) {
    written.put(key(file), file);
    return key(file);
  }

  /** The file of a key: one written here, or one live in a snapshot of the table. */
  @SuppressWarnings("unchecked")
  <F> F file(Table table, String branch, String key) throws IOException {
    ContentFile<?> file = written.get(key);
    if (file == null) file = live(table, table.snapshot(branch)).get(key);
    if (file == null) throw new IllegalArgumentException("no file " + key);
    return (F) file;
  }

  static Map<String, ContentFile<?>> live(Table table, Snapshot snapshot) throws IOException {
    Map<String, ContentFile<?>> files = new LinkedHashMap<>();
    if (snapshot == null) return files;
    Map<Integer, PartitionSpec> specs = table.specs();
    for (ManifestFile manifest : snapshot.allManifests(table.io())) {
      EntryVisitor.each(
          manifest,
          table.io(),
          specs,
          (status, id, sequence, fileSequence, file) -> {
            if (status != 2) files.put(key(file), (ContentFile<?>) file.copy());
          });
    }
    return files;
  }
}
