// Ask the topic model's URL from JavaScript: Node 18 or newer; ask.mjs, which signs, lies beside it.
//
//   TOPICS_URL=https://….lambda-url.eu-west-1.on.aws/ AWS_REGION=eu-west-1 node docs/examples/topics.mjs "some text" …
import { signedHeaders } from "./ask.mjs";

/** Return the predictions for some texts, in order. */
export async function topicsOf(documents, { url, top = 3, attempts = 4, ...credentials }) {
  const target = new URL(url);
  target.searchParams.set("top", top);
  const body = JSON.stringify({ documents });
  for (let attempt = 1; ; attempt++) {
    const answer = await fetch(target, {
      method: "POST",
      headers: { "content-type": "application/json", ...signedHeaders("POST", target, body, credentials) },
      body,
    });
    const content = await answer.json().catch(() => ({}));
    if (answer.ok) return content.predictions;
    // Lambda's own refusals carry no problem document; its 429 and 502 to 504 may pass.
    const mayPass = content.retry ?? [429, 502, 503, 504].includes(answer.status);
    if (!mayPass || attempt >= attempts) {
      throw new Error(`${answer.status} ${content.code ?? "lambda"}: ${content.detail ?? content.Message ?? ""}`);
    }
    const seconds = Number(answer.headers.get("retry-after")) || Math.random() * 0.2 * 2 ** attempt;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
}

const { TOPICS_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
const documents = process.argv.slice(2);
const predictions = await topicsOf(documents, {
  url: TOPICS_URL,
  region: AWS_REGION,
  accessKeyId: AWS_ACCESS_KEY_ID,
  secretAccessKey: AWS_SECRET_ACCESS_KEY,
  sessionToken: AWS_SESSION_TOKEN,
});
predictions.forEach(({ topics }, index) => {
  const told = topics.map(({ label, weight }) => `${Math.round(weight * 100)}% ${label}`).join(", ");
  console.log(`${documents[index].slice(0, 40)}: ${told}`);
});
