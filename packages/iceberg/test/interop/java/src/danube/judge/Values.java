package danube.judge;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.iceberg.StructLike;
import org.apache.iceberg.data.GenericRecord;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;
import org.apache.iceberg.util.DateTimeUtil;

/**
 * Values in the printed form that the tests of all languages share (see scan_tables.py): whole numbers and times as
 * text of the stored unit, floating-point numbers as "f:" and 16 hex digits of the double, text as "s:...", bytes as
 * "x:..." in hex, decimals as text of the unscaled value, maps as {"map": [[key, value], ...]}.
 */
final class Values {
  private Values() {}

  static Record record(Types.StructType struct, JsonNode json) {
    GenericRecord record = GenericRecord.create(struct);
    for (Types.NestedField field : struct.fields()) {
      record.setField(field.name(), parse(field.type(), json.get(field.name())));
    }
    return record;
  }

  static Object parse(Type type, JsonNode json) {
    if (json == null || json.isNull()) return null;
    String text = json.asText();
    switch (type.typeId()) {
      case BOOLEAN:
        return json.asBoolean();
      case INTEGER:
        return Integer.valueOf(text);
      case LONG:
        return Long.valueOf(text);
      case FLOAT:
        return (float) Double.longBitsToDouble(Long.parseUnsignedLong(text.substring(2), 16));
      case DOUBLE:
        return Double.longBitsToDouble(Long.parseUnsignedLong(text.substring(2), 16));
      case DATE:
        return DateTimeUtil.dateFromDays(Integer.parseInt(text));
      case TIME:
        return DateTimeUtil.timeFromMicros(Long.parseLong(text));
      case TIMESTAMP:
        return ((Types.TimestampType) type).shouldAdjustToUTC()
            ? DateTimeUtil.timestamptzFromMicros(Long.parseLong(text))
            : DateTimeUtil.timestampFromMicros(Long.parseLong(text));
      case TIMESTAMP_NANO:
        return ((Types.TimestampNanoType) type).shouldAdjustToUTC()
            ? DateTimeUtil.timestamptzFromNanos(Long.parseLong(text))
            : DateTimeUtil.timestampFromNanos(Long.parseLong(text));
      case STRING:
        return text.substring(2);
      case UUID:
        return UUID.fromString(text.substring(2));
      case BINARY:
        return ByteBuffer.wrap(HexFormat.of().parseHex(text.substring(2)));
      case FIXED:
        return HexFormat.of().parseHex(text.substring(2));
      case DECIMAL:
        return new BigDecimal(new BigInteger(text), ((Types.DecimalType) type).scale());
      case STRUCT:
        return record(type.asStructType(), json);
      case LIST:
        List<Object> items = new ArrayList<>();
        json.forEach(item -> items.add(parse(type.asListType().elementType(), item)));
        return items;
      case MAP:
        Map<Object, Object> map = new LinkedHashMap<>();
        for (JsonNode pair : json.get("map")) {
          map.put(parse(type.asMapType().keyType(), pair.get(0)), parse(type.asMapType().valueType(), pair.get(1)));
        }
        return map;
      default:
        throw new IllegalArgumentException("no printed form for " + type);
    }
  }

  /** Prints what readers give (java.time, UUID, ...) and what manifests give (numbers of days, CharSequence, ...). */
  static JsonNode print(Type type, Object value) {
    if (value == null) return NullNode.instance;
    switch (type.typeId()) {
      case BOOLEAN:
        return BooleanNode.valueOf((Boolean) value);
      case FLOAT:
      case DOUBLE:
        return text("f:%016x".formatted(Double.doubleToLongBits(((Number) value).doubleValue())));
      case STRING:
      case UUID:
        return text("s:" + value);
      case BINARY:
        return text("x:" + Json.hex((ByteBuffer) value));
      case FIXED:
        return text("x:" + Json.hex(value instanceof byte[] bytes ? ByteBuffer.wrap(bytes) : (ByteBuffer) value));
      case DECIMAL:
        return text(((BigDecimal) value).unscaledValue().toString());
      case STRUCT:
        return printStruct(type.asStructType(), (StructLike) value);
      case LIST:
        ArrayNode items = Json.array();
        ((List<?>) value).forEach(item -> items.add(print(type.asListType().elementType(), item)));
        return items;
      case MAP:
        ArrayNode pairs = Json.array();
        ((Map<?, ?>) value)
            .forEach(
                (key, item) ->
                    pairs.add(
                        Json.array()
                            .add(print(type.asMapType().keyType(), key))
                            .add(print(type.asMapType().valueType(), item))));
        return Json.object().set("map", pairs);
      default:
        return text(String.valueOf(number(type, value)));
    }
  }

  static ObjectNode printStruct(Types.StructType struct, StructLike value) {
    ObjectNode out = Json.object();
    for (int i = 0; i < struct.fields().size(); i += 1) {
      Types.NestedField field = struct.fields().get(i);
      out.set(field.name(), print(field.type(), value.get(i, Object.class)));
    }
    return out;
  }

  private static Object number(Type type, Object value) {
    boolean nanos = type.typeId() == Type.TypeID.TIMESTAMP_NANO;
    if (value instanceof LocalDate date) return DateTimeUtil.daysFromDate(date);
    if (value instanceof LocalTime time) return DateTimeUtil.microsFromTime(time);
    if (value instanceof LocalDateTime at) {
      return nanos ? DateTimeUtil.nanosFromTimestamp(at) : DateTimeUtil.microsFromTimestamp(at);
    }
    if (value instanceof OffsetDateTime at) {
      return nanos ? DateTimeUtil.nanosFromTimestamptz(at) : DateTimeUtil.microsFromTimestamptz(at);
    }
    return value;
  }

  private static TextNode text(String value) {
    return TextNode.valueOf(value);
  }
}
