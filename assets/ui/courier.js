watch("value", () => {
  const parcel = props.value;
  if (!parcel || !parcel.data) return;
  const bytes = Uint8Array.from(atob(parcel.data), (letter) => letter.charCodeAt(0));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type: parcel.type }));
  link.download = parcel.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
});
