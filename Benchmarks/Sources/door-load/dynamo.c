// The DynamoDB API: consumers that move the counters and checkpoints of their leases, each under the condition that it still has them.

#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What a connection knows of its leases: the counter of each, -1 before it is made, and whose turn it is.
struct leases {
    long *counters;
    int count, next;
};
static struct leases *leases;
static char *payload;

static void ask_update(struct connection *connection, const struct options *options) {
    struct leases *mine = &leases[connection->index];
    const int lease = mine->next;
    const long counter = mine->counters[lease];
    const size_t room = strlen(payload) + 1024;
    char *body = reserve(room);
    int length;
    if (counter < 0) {
        length = snprintf(
            body, room,
            "{\"TableName\":\"%s\",\"Item\":{\"leaseKey\":{\"S\":\"shard-%04d-%06d\"},\"leaseOwner\":{\"S\":\"worker-%04d\"},"
            "\"leaseCounter\":{\"N\":\"0\"},\"checkpoint\":{\"S\":\"TRIM_HORIZON\"},\"payload\":{\"S\":\"%s\"}}}",
            options->stream, connection->index, lease, connection->index, payload);
    } else {
        length = snprintf(
            body, room,
            "{\"TableName\":\"%s\",\"Key\":{\"leaseKey\":{\"S\":\"shard-%04d-%06d\"}},"
            "\"UpdateExpression\":\"SET leaseCounter = :new, checkpoint = :checkpoint\","
            "\"ConditionExpression\":\"leaseCounter = :old AND leaseOwner = :owner\",\"ExpressionAttributeValues\":{"
            "\":new\":{\"N\":\"%ld\"},\":old\":{\"N\":\"%ld\"},\":owner\":{\"S\":\"worker-%04d\"},\":checkpoint\":{\"S\":\"%056ld\"}}}",
            options->stream, connection->index, lease, counter + 1, counter, connection->index, counter);
    }
    free(connection->own);
    connection->request = http_request(
        options, "1.0", counter < 0 ? "DynamoDB_20120810.PutItem" : "DynamoDB_20120810.UpdateItem", body, (size_t)length);
    connection->own = connection->request.start;
    free(body);
}

static int answer_update(struct connection *connection, const struct options *options, uint64_t *records) {
    (void)options;
    if (!has_answer(connection)) return 0;
    struct leases *mine = &leases[connection->index];
    mine->counters[mine->next]++;
    mine->next = (mine->next + 1) % mine->count;
    *records = 1;
    return 1;
}

struct exchange make_update(const struct options *options) {
    leases = reserve((size_t)options->connections * sizeof *leases);
    for (int index = 0; index < options->connections; index++) {
        const int count = (options->items + options->connections - 1) / options->connections;
        leases[index] = (struct leases){reserve((size_t)count * sizeof(long)), count, 0};
        for (int lease = 0; lease < count; lease++) leases[index].counters[lease] = -1;
    }
    payload = reserve((size_t)options->bytes + 1);
    for (int index = 0; index < options->bytes; index++) payload[index] = (char)('a' + next_random() % 26);
    payload[options->bytes] = 0;
    return (struct exchange){ask_update, answer_update};
}
