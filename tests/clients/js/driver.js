// Has fal's own JavaScript client, as it is, do what is on standard input: a JSON list of acts. Answers with a JSON list.
// FAL_PROXY_URL is given to the client's own `proxyUrl`. `@N` stands for what the act of that number brought.
import { readFileSync } from "node:fs";
import { createFalClient } from "@fal-ai/client";

const client = createFalClient({ proxyUrl: { url: process.env.FAL_PROXY_URL, when: "always" } });

const statusRow = (seen) => ({
  status: seen.status,
  position: seen.queue_position ?? null,
  logs: seen.logs ? seen.logs.map((line) => line.message) : null,
  error: seen.error ?? null,
  error_type: seen.error_type ?? null,
});

const handlers = {
  submit: async ({ endpoint, arguments: input, options }) => ({
    value: (await client.queue.submit(endpoint, { input, ...options })).request_id,
  }),
  status: async ({ endpoint, id, logs }) =>
    statusRow(await client.queue.status(endpoint, { requestId: id, logs: logs ?? false })),
  result: async ({ endpoint, id }) => {
    const { data, requestId } = await client.queue.result(endpoint, { requestId: id });
    return { output: data, value: requestId };
  },
  cancel: async ({ endpoint, id }) => {
    await client.queue.cancel(endpoint, { requestId: id });
    return {};
  },
  subscribe: async ({ endpoint, arguments: input, mode, options }) => {
    const updates = [];
    let enqueued;
    const { data, requestId } = await client.subscribe(endpoint, {
      input,
      mode: mode ?? "polling",
      pollInterval: 20,
      logs: true,
      onEnqueue: (id) => (enqueued = id),
      onQueueUpdate: (seen) => updates.push(statusRow(seen)),
      ...options,
    });
    return { output: data, value: enqueued, id_of_result: requestId, updates };
  },
  upload: async ({ text, times, type, name, life }) => ({
    value: await client.storage.upload(
      new File([Buffer.from(text.repeat(times ?? 1))], name, { type }),
      life === undefined ? undefined : { lifecycle: { expiresIn: life } },
    ),
  }),
  upload_file: async ({ path }) => ({
    value: await client.storage.upload(new File([readFileSync(path)], path.split("/").pop(), { type: "audio/wav" })),
  }),
  run: async ({ endpoint, arguments: input }) => {
    const { data, requestId } = await client.run(endpoint, { input });
    return { output: data, value: requestId };
  },
  stream: async ({ endpoint, arguments: input }) => {
    const stream = await client.stream(endpoint, { input });
    const events = [];
    stream.on("data", (event) => events.push(event));
    await stream.done();
    return { events };
  },
};

const resolved = (value, done) => {
  if (typeof value === "string" && value.startsWith("@")) return done[Number(value.slice(1))].value;
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, resolved(item, done)]));
};

const errorRow = (error) =>
  error.status === undefined
    ? { status: null, kind: error.name, text: String(error.cause ?? error.message) }
    : { status: error.status, body: error.body, kind: error.name };

const done = [];
for (const act of JSON.parse(readFileSync(0, "utf-8"))) {
  try {
    done.push(await handlers[act.do](resolved(act, done)));
  } catch (error) {
    done.push({ failed: errorRow(error) });
  }
}
process.stdout.write(JSON.stringify(done), () => process.exit(0));
