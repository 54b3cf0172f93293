// Forms that a passkey signs or makes: the browser asks its owner, and the form is sent with the answer.

for (const form of document.querySelectorAll("form[data-passkey]")) {
  // Without this script they could send nothing of use.
  for (const button of form.querySelectorAll("button")) button.disabled = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(/** @type {HTMLFormElement} */ (form));
  });
}

/** @param {HTMLFormElement} form */
async function send(form) {
  const trouble = /** @type {HTMLElement} */ (form.querySelector(".passkey-trouble"));
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("button[type=submit]"));
  trouble.hidden = true;
  button.disabled = true;
  try {
    const credential = /** @type {HTMLInputElement} */ (form.elements.namedItem("credential"));
    credential.value = JSON.stringify((await asked(form)).toJSON());
    form.submit();
  } catch (error) {
    trouble.textContent = words(error, form.dataset.address ?? "");
    trouble.hidden = false;
    button.disabled = false;
  }
}

/** @param {HTMLFormElement} form @returns {Promise<any>} */
async function asked(form) {
  const known = /** @type {any} */ (window.PublicKeyCredential);
  if (!known?.parseCreationOptionsFromJSON) throw new Error("This browser, or this address, knows no passkeys.");
  const answer = await fetch(form.dataset.options ?? "", { method: "POST", body: new FormData(form) });
  const options = await answer.json();
  if (!answer.ok) throw new Error(options.detail);
  if (form.dataset.passkey === "create") {
    return navigator.credentials.create({ publicKey: known.parseCreationOptionsFromJSON(options) });
  }
  return navigator.credentials.get({ publicKey: known.parseRequestOptionsFromJSON(options) });
}

/** @param {unknown} error @param {string} address */
function words(error, address) {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError") return "The device did not confirm it. Try again.";
  if (name === "InvalidStateError") return "This device has a passkey for this account already.";
  if (name === "SecurityError") return `Passkeys work at ${address || "the address of this dashboard"} alone: open it there.`;
  return error instanceof Error && error.message ? error.message : "That did not work. Try again.";
}
