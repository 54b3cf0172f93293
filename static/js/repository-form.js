// The form of a repository: only the fields that count where it is kept.

import { settleFields } from "./dependent-fields.js";

const form = /** @type {HTMLFormElement | null} */ (document.querySelector("form.form-narrow"));
if (form) {
  settleFields(form);
  /** @type {HTMLElement | null} */ (form.querySelector(".is-invalid"))?.focus();
}
