// Keeps personal data out of the browser's history: who goes back gets an empty form with a new key.
//
// A browser may keep a page as it was left, and show it again on Back (back/forward cache). So the fields are
// emptied when the page is left, and a page that is shown again is replaced.

const form = document.querySelector("form");
const EMPTY_FORM = form.dataset.empty;

// A refused form is the response to a POST. Without this, Back would send it again and show its fields.
history.replaceState(null, "", EMPTY_FORM);

addEventListener("pagehide", () => {
  for (const field of form.elements) {
    if (field.type === "checkbox" || field.type === "radio") field.checked = false;
    else if (field.localName === "input" || field.localName === "select") field.value = "";
  }
});

addEventListener("pageshow", (event) => {
  if (event.persisted) location.replace(EMPTY_FORM);
});
