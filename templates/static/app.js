// What a browser knows better than a form: its zone. Everything works without this file.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
for (const field of document.querySelectorAll('input[name="zone"][type="hidden"]')) {
  field.value ||= zone;
}
for (const choice of document.querySelectorAll("select[data-guess-zone]")) {
  const known = [...choice.options].some((option) => option.value === zone);
  if (known) choice.value = zone;
}
for (const button of document.querySelectorAll("button[data-own-zone]")) {
  const choice = document.getElementById(button.dataset.ownZone);
  const known = [...choice.options].some((option) => option.value === zone);
  if (!known || choice.value === zone) continue;
  button.querySelector("b").textContent = zone;
  button.hidden = false;
  button.addEventListener("click", () => {
    choice.value = zone;
    button.hidden = true;
    choice.focus();
  });
}
// A part of a page that could not be fetched is no silence.
const unsaid = { "htmx:beforeRequest": true, "htmx:responseError": false, "htmx:sendError": false };
for (const [moment, hidden] of Object.entries(unsaid)) {
  document.addEventListener(moment, () => {
    for (const words of document.querySelectorAll("[data-on-failure]")) words.hidden = hidden;
  });
}
// A slider's number goes along with it.
document.addEventListener("input", ({ target }) => {
  const number = target.type === "range" && target.nextElementSibling;
  if (number) number.textContent = target.valueAsNumber.toLocaleString(document.documentElement.lang);
});
// Where a button went with its part of the page, the focus goes on to the first that is there of what it names.
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  const names = detail.requestConfig?.elt.dataset.focus?.split(" ") ?? [];
  names.map((name) => document.getElementById(name)).find(Boolean)?.focus();
});
