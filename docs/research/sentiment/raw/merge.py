"""Merge the LoRA of ft.py into the e5 arrays and write an int8 ONNX graph with the head's logits."""
import sys,numpy as np,onnx,e5file,build_onnx
from onnxruntime.quantization import quantize_dynamic,QuantType
name=sys.argv[1]; z=np.load(name+'.npz'); cfg,pi,sc,no,W=e5file.load(); S=2.; K0=6; H,FF=384,1536
for l in range(K0,12):
    i=l-K0; P=f'l{l}.'; d=lambda k:S*(z[k+'.a'][i]@z[k+'.b'][i])
    q=d('qkv')
    for j,k in enumerate('qkv'): W[P+k+'.w']=(e5file.mat(W,P+k+'.w',H,H)+q[:,j*H:(j+1)*H].T).astype(np.float32).ravel()
    W[P+'ao.w']=(e5file.mat(W,P+'ao.w',H,H)+d('ao').T).astype(np.float32).ravel()
    W[P+'fi.w']=(e5file.mat(W,P+'fi.w',FF,H)+d('fi').T).astype(np.float32).ravel()
    W[P+'fo.w']=(e5file.mat(W,P+'fo.w',H,FF)+d('fo').T).astype(np.float32).ravel()
build_onnx.build(f'{name}-fp32.onnx',())
quantize_dynamic(f'{name}-fp32.onnx',f'{name}-int8.onnx',per_channel=True,weight_type=QuantType.QInt8,op_types_to_quantize=['MatMul'],extra_options={'MatMulConstBOnly':True})
