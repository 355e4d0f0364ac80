package danube.judge;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/** Small helpers over Jackson. 64-bit numbers stay whole: Jackson reads them as longs. */
final class Json {
  static final ObjectMapper MAPPER = new ObjectMapper();

  private Json() {}

  static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  static ArrayNode array() {
    return MAPPER.createArrayNode();
  }

  static JsonNode parse(String text) {
    try {
      return MAPPER.readTree(text);
    } catch (java.io.IOException e) {
      throw new IllegalArgumentException(e);
    }
  }

  static JsonNode need(JsonNode node, String name) {
    JsonNode value = node.get(name);
    if (value == null || value.isNull()) throw new IllegalArgumentException("request lacks " + name);
    return value;
  }

  static String text(JsonNode node, String name) {
    return need(node, name).asText();
  }

  static String text(JsonNode node, String name, String otherwise) {
    return node.hasNonNull(name) ? node.get(name).asText() : otherwise;
  }

  static List<String> texts(JsonNode node, String name) {
    List<String> out = new ArrayList<>();
    if (node.hasNonNull(name)) node.get(name).forEach(item -> out.add(item.asText()));
    return out;
  }

  static Map<String, String> strings(JsonNode node, String name) {
    Map<String, String> out = new java.util.LinkedHashMap<>();
    if (node.hasNonNull(name)) {
      node.get(name).fields().forEachRemaining(entry -> out.put(entry.getKey(), entry.getValue().asText()));
    }
    return out;
  }

  static String hex(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.duplicate().get(bytes);
    return HexFormat.of().formatHex(bytes);
  }
}
