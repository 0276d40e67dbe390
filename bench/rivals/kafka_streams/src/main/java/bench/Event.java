package bench;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.UncheckedIOException;

/** The standings before and after a participant event, each as one key: all that a counter needs. */
final class Event {
    private static final JsonFactory FACTORY = new JsonFactory();

    /** "region|agency|campaign"; null if there is no standing. */
    String before;
    String after;

    /** Reads token by token, without a tree, and stops after `data`. */
    static Event read(byte[] value) {
        Event event = new Event();
        try (JsonParser parser = FACTORY.createParser(value)) {
            parser.nextToken();
            for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
                JsonToken token = parser.nextToken();
                if (name.equals("data")) {
                    event.readChange(parser);
                    return event;
                }
                if (token.isStructStart()) {
                    parser.skipChildren();
                }
            }
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        return event;
    }

    private void readChange(JsonParser parser) throws IOException {
        boolean hadBefore = false;
        boolean hadAfter = false;
        for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
            JsonToken token = parser.nextToken();
            if (name.equals("before")) {
                before = token == JsonToken.VALUE_NULL ? null : standing(parser);
                hadBefore = true;
            } else if (name.equals("after")) {
                after = token == JsonToken.VALUE_NULL ? null : standing(parser);
                hadAfter = true;
            } else if (token.isStructStart()) {
                parser.skipChildren();
            }
            if (hadBefore && hadAfter) {
                return;
            }
        }
    }

    private static String standing(JsonParser parser) throws IOException {
        String region = null;
        String agency = null;
        String campaign = null;
        for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
            JsonToken token = parser.nextToken();
            switch (name) {
                case "region" -> region = parser.getText();
                case "agency" -> agency = token == JsonToken.VALUE_NULL ? "" : parser.getText();
                case "campaign" -> campaign = token == JsonToken.VALUE_NULL ? "" : parser.getText();
                default -> {
                    if (token.isStructStart()) {
                        parser.skipChildren();
                    }
                }
            }
        }
        return region + "|" + agency + "|" + campaign;
    }
}
