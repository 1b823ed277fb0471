(() => {
  const form = document.querySelector("form"), button = form.querySelector("button"), state = document.getElementById("state");
  const set = (name, value) => {
    const field = Object.assign(document.createElement("input"), { type: "hidden", name, value });
    form.append(field);
  };
  const bytes = hex => Uint8Array.from(hex.match(/../g), pair => parseInt(pair, 16));
  const solve = async challenge => {
    const { nonce, salt, keyPrefix, keyLength } = challenge.parameters;
    const head = [...bytes(salt), ...bytes(nonce)], input = new Uint8Array(head.length + 4), started = performance.now();
    input.set(head);
    for (let counter = 0; ; counter++) {
      new DataView(input.buffer).setUint32(head.length, counter);
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", input)).slice(0, keyLength);
      const derivedKey = Array.from(digest, byte => byte.toString(16).padStart(2, "0")).join("");
      if (derivedKey.startsWith(keyPrefix)) {
        const time = performance.now() - started;
        return btoa(JSON.stringify({ challenge, solution: { counter, derivedKey, time } }));
      }
    }
  };
  const puzzle = form.dataset.puzzle && window.crypto?.subtle ? solve(JSON.parse(form.dataset.puzzle)) : null;
  const smaller = async file => {
    try {
      const image = await createImageBitmap(file), scale = 2048 / Math.max(image.width, image.height);
      if (scale >= 1 && file.size < 1e6) return file;
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(image.width * Math.min(1, scale));
      canvas.height = Math.round(image.height * Math.min(1, scale));
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      const blob = await new Promise(done => canvas.toBlob(done, "image/jpeg", 0.85));
      return blob && blob.size < file.size ? new File([blob], "photo.jpg", { type: "image/jpeg" }) : file;
    } catch { return file; }
  };
  let ready = false;
  form.addEventListener("submit", async event => {
    if (ready) return;
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    state.textContent = form.dataset.sending;
    try {
      const photos = form.elements.photos;
      if (photos?.files.length) {
        const files = new DataTransfer();
        for (const file of photos.files) files.items.add(await smaller(file));
        photos.files = files.files;
      }
      if (puzzle) set("altcha", await puzzle);
    } catch { /* The request matters more than how it is sent. */ }
    ready = true;
    form.submit();
  });
  addEventListener("pageshow", event => {
    if (!event.persisted) return;
    ready = button.disabled = false;
    state.textContent = "";
  });
})();
